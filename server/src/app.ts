// The composition root: builds each feature once, with what it depends on, and mounts all of them in one list.
import { installAccess } from './access/access.ts'
import { createAccountPolicy } from './account-policy/account-policy.ts'
import { accountPolicyRoutes } from './account-policy/routes.ts'
import { createAdministrators } from './administrators/administrators.ts'
import { administratorRoutes } from './administrators/routes.ts'
import { createApplications } from './applications/applications.ts'
import { applicationRoutes } from './applications/routes.ts'
import { createAudit } from './audit/audit.ts'
import { createBackgroundWork, inTurn } from './background-work/background-work.ts'
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
import type { CompiledSchemas } from './core/lazy-schemas.ts'
import type { Log } from './core/log.ts'
import { registerCrossOrigin } from './cross-origin/cross-origin.ts'
import { createDeletion } from './deletion/deletion.ts'
import { deletionRoutes } from './deletion/routes.ts'
import { createDelivery } from './delivery/delivery.ts'
import { createDocs } from './docs/docs.ts'
import { docsRoutes } from './docs/routes.ts'
import { createEmail } from './email/email.ts'
import { emailRoutes } from './email/routes.ts'
import { createEmailVerification } from './email-verification/email-verification.ts'
import { emailVerificationRoutes } from './email-verification/routes.ts'
import { registerExplorer, registerOpenApi } from './explorer/explorer.ts'
import { explorerRoutes } from './explorer/routes.ts'
import { createFactors } from './factors/factors.ts'
import { factorRoutes } from './factors/routes.ts'
import { createFirstProof } from './first-proof/first-proof.ts'
import { createGuard, createLineLookups, createTestNumbers } from './guard/guard.ts'
import { guardRoutes } from './guard/routes.ts'
import { healthRoutes } from './health/routes.ts'
import { createInbox } from './inbox/inbox.ts'
import { inboxRoutes } from './inbox/routes.ts'
import { createKeys } from './keys/keys.ts'
import { keyRoutes } from './keys/routes.ts'
import { createMail, createMailSettings, createPost, createTestLetters } from './mail/mail.ts'
import { mailRoutes } from './mail/routes.ts'
import { createMessages } from './messages/messages.ts'
import { messageRoutes } from './messages/routes.ts'
import { createNotices } from './notices/notices.ts'
import { createOidc } from './oidc/oidc.ts'
import { oidcRoutes } from './oidc/routes.ts'
import { createPasscodes, purposes } from './passcodes/passcodes.ts'
import { passcodeRoutes } from './passcodes/routes.ts'
import { createPasskeys } from './passkeys/passkeys.ts'
import { passkeyRoutes } from './passkeys/routes.ts'
import { createPasswordChanges, createPasswords, type PasswordCost } from './passwords/passwords.ts'
import { passwordRoutes } from './passwords/routes.ts'
import { createPhone } from './phone/phone.ts'
import { phoneRoutes } from './phone/routes.ts'
import { phoneNumberRoutes } from './phone-numbers/routes.ts'
import { createProviders, createTestMessages } from './providers/providers.ts'
import { providerRoutes } from './providers/routes.ts'
import { createReceipts } from './receipts/receipts.ts'
import { receiptRoutes } from './receipts/routes.ts'
import { routeRoutes } from './routing/routes.ts'
import { createRouting } from './routing/routing.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { createDevices, createSessions } from './sessions/sessions.ts'
import { signInRoutes } from './signin/routes.ts'
import { createSignIn } from './signin/signin.ts'
import { signUpRoutes } from './signup/routes.ts'
import { createSignUp } from './signup/signup.ts'
import { smsRoutes } from './sms/routes.ts'
import { createSms } from './sms/sms.ts'
import { createStepUp } from './step-up/step-up.ts'
import { templateRoutes } from './templates/routes.ts'
import { createTemplates } from './templates/templates.ts'
import { createTokens } from './tokens/tokens.ts'
import { undoRoutes } from './undo/routes.ts'
import { createUndo } from './undo/undo.ts'
import { unservedRoutes } from './unserved/routes.ts'
import { userHistoryRoutes } from './user-history/routes.ts'
import { userRoutes } from './users/routes.ts'
import { createUsers } from './users/users.ts'

export type AppDeps = {
  config: Config
  db: Database
  keyring: Keyring
  clock: Clock
  log: Log
  /** Of argon2id; OWASP's where it is not given. */
  passwordCost?: PasswordCost | undefined
  /** Of an earlier application of this process: what it compiled is not compiled again. */
  compiledSchemas?: CompiledSchemas
}

export const createApp = async ({
  config,
  db,
  keyring,
  clock,
  log,
  compiledSchemas,
  passwordCost,
}: AppDeps) => {
  const audit = createAudit({ db, keyring, clock })
  const applications = createApplications({ db, keyring, clock })
  const accountPolicy = createAccountPolicy({ db, clock })
  const keys = createKeys({ db, keyring, clock })
  const users = createUsers({ db, audit, clock })
  const sessions = createSessions({ db, audit, clock })
  const devices = createDevices({ db, audit, clock })
  const stepUp = createStepUp({ db, keyring, clock })
  const tokens = createTokens({ keys, applications, clock, publicUrl: config.publicUrl })
  const messages = createMessages({ db, clock })
  const passcodes = createPasscodes({ db, keyring, clock, config })
  const passwords = createPasswords({
    db,
    keys,
    accountPolicy,
    keyring,
    clock,
    config,
    cost: passwordCost,
  })
  const administrators = createAdministrators({ db, applications, audit, passwords, clock })
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
  const guard = createGuard({ db, conversions, messages, audit, clock, config, log })
  const routing = createRouting({ db, conversions, guard, clock, config })
  const testNumbers = createTestNumbers({ db, keyring, clock, config })
  const mailSettings = createMailSettings({ db, keyring, clock, config })
  const post = createPost({ settings: mailSettings, clock, config, log })
  const notices = createNotices({ db, keyring, routing, post, testNumbers, clock, config })
  const firstProof = createFirstProof({ sessions, notices, audit, clock })
  const emailVerification = createEmailVerification({
    db,
    applications,
    firstProof,
    keyring,
    audit,
    clock,
    config,
  })
  const lineLookups = createLineLookups({ db, providers, keyring, clock, config, log })
  const delivery = createDelivery({
    messages,
    passcodes,
    notices,
    providers,
    post,
    routing,
    templates,
    emailVerification,
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
    accountPolicy,
    mailSettings,
    post,
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
  const testLetters = createTestLetters({ db, settings: mailSettings, post, clock, config })
  const mail = createMail({ passcodes, post, deliver: delivery.deliver, log })
  const phone = createPhone({
    db,
    keyring,
    users,
    sessions,
    passcodes,
    stepUp,
    accountPolicy,
    notices,
    audit,
    clock,
  })
  const factors = createFactors({
    db,
    users,
    sessions,
    passcodes,
    sms,
    mail,
    stepUp,
    audit,
    keyring,
    clock,
    config,
  })
  const email = createEmail({
    db,
    users,
    passcodes,
    sessions,
    factors,
    stepUp,
    notices,
    accountPolicy,
    audit,
    clock,
  })
  const signUp = createSignUp({ db, users, passcodes, passwords, phone })
  const signIn = createSignIn({
    db,
    users,
    passcodes,
    passwords,
    firstProof,
    notices,
    captcha,
    sessions,
    tokens,
    accountPolicy,
    audit,
    clock,
  })
  const passkeys = createPasskeys({ db, keyring, users, sessions, signIn, factors, audit, clock, config })
  const passwordChanges = createPasswordChanges({
    db,
    users,
    passwords,
    passcodes,
    accountPolicy,
    sessions,
    stepUp,
    phone,
    firstProof,
    notices,
    audit,
    clock,
  })
  const deletion = createDeletion({
    db,
    users,
    passwords,
    passcodes,
    stepUp,
    notices,
    audit,
    keyring,
    clock,
  })
  const oidc = createOidc({ applications, sessions, tokens, users })
  const undo = createUndo({
    db,
    notices,
    applications,
    users,
    phone,
    email,
    sessions,
    passcodes,
    audit,
    clock,
  })
  const inbox = createInbox({ messages, delivery })

  const http = await createHttp({ log, ...config, compiledSchemas })
  await registerOpenApi(http, config.publicUrl)
  await registerExplorer(http)
  await registerCrossOrigin(http, { applications, ...config })
  await http.register(async (scope) => {
    const routes = scope as unknown as Http
    requireAccessAndLimit(routes)
    installAccess(routes, { applications, tokens, sessions, administrators, ...config })

    smsRoutes(routes, sms)
    mailRoutes(routes, { mail, mailSettings, testLetters, configuration })
    passcodeRoutes(routes, passcodes)
    captchaRoutes(routes, captcha)
    receiptRoutes(routes, receipts, config)
    phoneRoutes(routes, phone)
    userHistoryRoutes(routes, { phone, users, audit })
    emailRoutes(routes, email)
    sessionRoutes(routes, devices)
    emailVerificationRoutes(routes, emailVerification, config)
    signUpRoutes(routes, signUp, passwords)
    signInRoutes(routes, signIn, passwords)
    passkeyRoutes(routes, passkeys)
    passwordRoutes(routes, { passwords, passwordChanges, captcha })
    deletionRoutes(routes, deletion, passwords)
    userRoutes(routes, users, factors)
    factorRoutes(routes, factors)
    phoneNumberRoutes(routes)
    keyRoutes(routes, keys)
    oidcRoutes(routes, oidc)
    administratorRoutes(routes, administrators, config.publicUrl)
    providerRoutes(routes, { providers, configuration, delivery, testMessages })
    routeRoutes(routes, { routing, guard, configuration })
    templateRoutes(routes, { applications, templates, routing, guard, config, configuration })
    guardRoutes(routes, { guard, testNumbers, messages, configuration, clock })
    messageRoutes(routes, messages)
    accountPolicyRoutes(routes, { accountPolicy, configuration })
    applicationRoutes(routes, { applications, configuration })
    configurationRoutes(routes, { applications, configuration })
    undoRoutes(routes, undo, config)
    if (config.inbox) inboxRoutes(routes, inbox)
    explorerRoutes(routes, config.production ? undefined : async () => (await applications.first())?.id)
    docsRoutes(routes, createDocs({ watches: !config.production }))
    healthRoutes(routes, db)
    unservedRoutes(routes)
  })
  http.addHook('onClose', async () => {
    await sms.settle()
    await mail.settle()
    post.closeAll()
    await providers.closeAll()
  })
  await http.ready()
  const background = createBackgroundWork({ providers, delivery, receipts, guard, phone, log })

  return {
    http,
    accountPolicy,
    administrators,
    applications,
    audit,
    keys,
    passwords,
    phone,
    sessions,
    users,

    configuration,
    guard,
    providers,
    routing,
    sms,
    templates,
    testNumbers,

    /** What goes on beside requests, in every process. */
    work: background.runAll,
    keepWorking: background.keepRunning,

    /** Deletes what is of no use any more; called now and then by every process. */
    housekeeping: inTurn(
      {
        passcodes: passcodes.deleteOld,
        messages: messages.deleteOld,
        sessions: sessions.deleteOld,
        signIns: signIn.deleteOld,
        stepUps: stepUp.deleteOld,
        notices: notices.deleteOld,
        phones: phone.deleteOld,
        history: users.maskHistory,
        administrators: administrators.deleteOld,
        conversions: conversions.deleteOld,
        guard: guard.deleteOld,
        counters: () => deleteOldCounters(db, secondsAfter(clock.now(), -86_400)),
      },
      log,
    ),
  }
}

export type App = Awaited<ReturnType<typeof createApp>>
