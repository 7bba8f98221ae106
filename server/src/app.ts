// The composition root: builds each feature once, with what it depends on, and mounts all of them in one list.
import { installAccess } from './access/access.ts'
import { createAdministrators } from './administrators/administrators.ts'
import { administratorRoutes } from './administrators/routes.ts'
import { createApplications } from './applications/applications.ts'
import { createAudit } from './audit/audit.ts'
import { createCaptcha } from './captcha/captcha.ts'
import { captchaRoutes } from './captcha/routes.ts'
import type { Config } from './config.ts'
import { createConfiguration } from './configuration/configuration.ts'
import { configurationRoutes } from './configuration/routes.ts'
import { createConversions } from './conversions/conversions.ts'
import type { Clock } from './core/clock.ts'
import { secondsAfter } from './core/clock.ts'
import { deleteOldCounters } from './core/counters.ts'
import type { Keyring } from './core/crypto.ts'
import type { Database } from './core/database.ts'
import { createHttp, type Http, requireAccessAndLimit } from './core/http.ts'
import type { Log } from './core/log.ts'
import { createDelivery } from './delivery/delivery.ts'
import { registerExplorer, registerOpenApi } from './explorer/explorer.ts'
import { explorerRoutes } from './explorer/routes.ts'
import { createGuard, createLineLookups, createTestNumbers } from './guard/guard.ts'
import { guardRoutes } from './guard/routes.ts'
import { healthRoutes } from './health/routes.ts'
import { createInbox } from './inbox/inbox.ts'
import { inboxRoutes } from './inbox/routes.ts'
import { createKeys } from './keys/keys.ts'
import { keyRoutes } from './keys/routes.ts'
import { createMail } from './mail/mail.ts'
import { mailRoutes } from './mail/routes.ts'
import { createMessages } from './messages/messages.ts'
import { messageRoutes } from './messages/routes.ts'
import { createOidc } from './oidc/oidc.ts'
import { oidcRoutes } from './oidc/routes.ts'
import { createPasscodes, purposes } from './passcodes/passcodes.ts'
import { passcodeRoutes } from './passcodes/routes.ts'
import { createPasswords } from './passwords/passwords.ts'
import { createPhone } from './phone/phone.ts'
import { phoneRoutes } from './phone/routes.ts'
import { phoneNumberRoutes } from './phone-numbers/routes.ts'
import { createProviders, createTestMessages } from './providers/providers.ts'
import { providerRoutes } from './providers/routes.ts'
import { createReceipts } from './receipts/receipts.ts'
import { receiptRoutes } from './receipts/routes.ts'
import { routeRoutes } from './routing/routes.ts'
import { createRouting } from './routing/routing.ts'
import { createSessions } from './sessions/sessions.ts'
import { signInRoutes } from './signin/routes.ts'
import { createSignIn } from './signin/signin.ts'
import { signUpRoutes } from './signup/routes.ts'
import { createSignUp } from './signup/signup.ts'
import { smsRoutes } from './sms/routes.ts'
import { createSms } from './sms/sms.ts'
import { templateRoutes } from './templates/routes.ts'
import { createTemplates } from './templates/templates.ts'
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
  const administrators = createAdministrators({
    db,
    applications,
    audit,
    // Wrong passwords of administrators have a limit of their own.
    passwords: createPasswords({
      db,
      keys,
      keyring,
      clock,
      config: {
        limits: { ...config.limits, passwordFailuresHour: config.limits.administratorSignInFailuresHour },
      },
    }),
    clock,
  })
  const captcha = createCaptcha({ db, keyring, clock, config })
  const templates = createTemplates({ db, clock, config, purposes })
  const conversions = createConversions({ db, clock })
  const providers = createProviders({
    db,
    keyring,
    clock,
    log,
    config,
    takeReceipts: messages.takeReceipts,
  })
  const routing = createRouting({ db, conversions, clock, config })
  const guard = createGuard({ db, conversions, messages, audit, clock, config, log })
  const testNumbers = createTestNumbers({ db, keyring, clock, config })
  const lineLookups = createLineLookups({ db, providers, keyring, clock, config, log })
  const delivery = createDelivery({
    messages,
    passcodes,
    providers,
    routing,
    templates,
    guard,
    clock,
    config,
    log,
  })
  const configuration = createConfiguration({
    db,
    audit,
    applications,
    providers,
    routing,
    templates,
    guard,
    testNumbers,
    clock,
  })
  const testMessages = createTestMessages({ db, providers, audit, clock, config })
  const receipts = createReceipts({ messages, providers, log })
  const sms = createSms({
    passcodes,
    routing,
    guard,
    lineLookups,
    testNumbers,
    delivery,
    captcha,
    config,
    log,
  })
  const mail = createMail({ passcodes, config })
  const phone = createPhone({ db, passcodes, audit, clock })
  const signUp = createSignUp({ db, users, passcodes, passwords })
  const signIn = createSignIn({ db, users, passcodes, passwords, sessions, tokens })
  const oidc = createOidc({ applications, sessions, tokens, users })
  const inbox = createInbox({ messages, passcodes, templates })

  const http = await createHttp({ log, ...config })
  await registerOpenApi(http, config.publicUrl)
  await registerExplorer(http)
  await http.register(async (scope) => {
    const routes = scope as unknown as Http
    requireAccessAndLimit(routes)
    installAccess(routes, { applications, tokens, sessions, administrators, ...config })

    smsRoutes(routes, sms)
    mailRoutes(routes, mail)
    passcodeRoutes(routes, passcodes)
    captchaRoutes(routes, captcha)
    receiptRoutes(routes, receipts, config)
    phoneRoutes(routes, phone)
    signUpRoutes(routes, signUp, passwords)
    signInRoutes(routes, signIn, passwords)
    userRoutes(routes, users)
    phoneNumberRoutes(routes)
    keyRoutes(routes, keys)
    oidcRoutes(routes, oidc)
    administratorRoutes(routes, administrators, config.publicUrl)
    providerRoutes(routes, { providers, configuration, delivery, testMessages })
    routeRoutes(routes, { routing, guard, configuration })
    templateRoutes(routes, { applications, templates, routing, guard, config, configuration })
    guardRoutes(routes, { guard, testNumbers, messages, configuration, clock })
    messageRoutes(routes, messages)
    configurationRoutes(routes, { applications, configuration })
    if (config.inbox) inboxRoutes(routes, inbox)
    explorerRoutes(routes, config.production ? undefined : async () => (await applications.first())?.id)
    healthRoutes(routes, db)
    unservedRoutes(routes)
  })
  http.addHook('onClose', async () => {
    await sms.settle()
    await providers.closeAll()
  })
  await http.ready()

  return {
    http,
    administrators,
    applications,
    audit,
    keys,
    passwords,
    sessions,
    users,

    configuration,
    guard,
    providers,
    routing,
    sms,
    templates,
    testNumbers,

    /** What goes on beside requests: called every few seconds by every process. */
    work: async (): Promise<void> => {
      await providers.keepConnected()
      await delivery.deliverDue()
      await receipts.pollDue()
      await guard.countMature()
    },

    /** Deletes what is of no use any more; called now and then by every process. */
    housekeeping: async (): Promise<void> => {
      await passcodes.deleteOld()
      await messages.deleteOld()
      await sessions.deleteOld()
      await administrators.deleteOld()
      await conversions.deleteOld()
      await guard.deleteOld()
      await deleteOldCounters(db, secondsAfter(clock.now(), -86_400))
    },
  }
}

export type App = Awaited<ReturnType<typeof createApp>>
