// The composition root: builds each feature once, with what it depends on, and mounts all of them in one list.
import { installAccess } from './access/access.ts'
import { createApplications } from './applications/applications.ts'
import { createAudit } from './audit/audit.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import { secondsAfter } from './core/clock.ts'
import { deleteOldCounters } from './core/counters.ts'
import type { Keyring } from './core/crypto.ts'
import type { Database } from './core/database.ts'
import { createHttp, type Http, requireAccessAndLimit } from './core/http.ts'
import type { Log } from './core/log.ts'
import { registerExplorer, registerOpenApi } from './explorer/explorer.ts'
import { explorerRoutes } from './explorer/routes.ts'
import { healthRoutes } from './health/routes.ts'
import { createInbox } from './inbox/inbox.ts'
import { inboxRoutes } from './inbox/routes.ts'
import { createKeys } from './keys/keys.ts'
import { keyRoutes } from './keys/routes.ts'
import { createMail } from './mail/mail.ts'
import { mailRoutes } from './mail/routes.ts'
import { createMessages } from './messages/messages.ts'
import { createOidc } from './oidc/oidc.ts'
import { oidcRoutes } from './oidc/routes.ts'
import { createPasscodes } from './passcodes/passcodes.ts'
import { passcodeRoutes } from './passcodes/routes.ts'
import { createPasswords } from './passwords/passwords.ts'
import { createPhone } from './phone/phone.ts'
import { phoneRoutes } from './phone/routes.ts'
import { phoneNumberRoutes } from './phone-numbers/routes.ts'
import { createSessions } from './sessions/sessions.ts'
import { signInRoutes } from './signin/routes.ts'
import { createSignIn } from './signin/signin.ts'
import { signUpRoutes } from './signup/routes.ts'
import { createSignUp } from './signup/signup.ts'
import { smsRoutes } from './sms/routes.ts'
import { createSms } from './sms/sms.ts'
import { createTokens } from './tokens/tokens.ts'
import { unservedRoutes } from './unserved/routes.ts'
import { userRoutes } from './users/routes.ts'
import { createUsers } from './users/users.ts'

export type AppDeps = { config: Config; db: Database; keyring: Keyring; clock: Clock; log: Log }

export const createApp = async ({ config, db, keyring, clock, log }: AppDeps) => {
  const audit = createAudit({ db, keyring, clock })
  const applications = createApplications({ db, keyring, clock })
  const keys = createKeys({ db, keyring, clock })
  const users = createUsers({ db, audit, clock })
  const sessions = createSessions({ db, audit, clock })
  const tokens = createTokens({ keys, applications, clock, publicUrl: config.publicUrl })
  const messages = createMessages({ db, clock })
  const passcodes = createPasscodes({ db, keyring, clock, config })
  const passwords = createPasswords({ db, keys, keyring, clock, config })
  const sms = createSms({ passcodes, config })
  const mail = createMail({ passcodes, config })
  const phone = createPhone({ db, passcodes, audit, clock })
  const signUp = createSignUp({ db, users, passcodes, passwords })
  const signIn = createSignIn({ db, users, passcodes, passwords, sessions, tokens })
  const oidc = createOidc({ applications, sessions, tokens, users })
  const inbox = createInbox({ messages, passcodes })

  const http = await createHttp({ log, ...config })
  await registerOpenApi(http, config.publicUrl)
  await registerExplorer(http)
  await http.register(async (scope) => {
    const routes = scope as unknown as Http
    requireAccessAndLimit(routes)
    installAccess(routes, { applications, tokens, sessions, ...config })

    smsRoutes(routes, sms)
    mailRoutes(routes, mail)
    passcodeRoutes(routes, passcodes)
    phoneRoutes(routes, phone)
    signUpRoutes(routes, signUp, passwords)
    signInRoutes(routes, signIn, passwords)
    userRoutes(routes, users)
    phoneNumberRoutes(routes)
    keyRoutes(routes, keys)
    oidcRoutes(routes, oidc)
    if (config.inbox) inboxRoutes(routes, inbox)
    explorerRoutes(routes, config.production ? undefined : async () => (await applications.first())?.id)
    healthRoutes(routes, db)
    unservedRoutes(routes)
  })
  await http.ready()

  return {
    http,
    applications,
    audit,
    keys,
    passwords,
    sessions,
    users,

    /** Deletes what is of no use any more; called now and then by every process. */
    housekeeping: async (): Promise<void> => {
      await passcodes.deleteOld()
      await messages.deleteOld()
      await sessions.deleteOld()
      await deleteOldCounters(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

export type App = Awaited<ReturnType<typeof createApp>>
