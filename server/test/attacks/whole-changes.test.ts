// Rule 15: a change, the end of the other sessions, its audit event and its notice are one transaction. So each of them
// is made to fail in turn, and of the change nothing may be left.
import { describe, expect, it } from 'vitest'
import { newPhone, type Reply, startTestApp, type TestApp } from '../support/app.ts'
import { emailCode, proofsOfChange, requestChange, updateEmail } from '../support/email.ts'
import { signInByPassword } from '../support/notices.ts'
import { personWithUnprovedEmail, resetPassword, resetToken, updatePassword } from '../support/passwords.ts'
import { personWithEmail, personWithPhone, provenChange, receiveCode } from '../support/phone-changes.ts'
import { storedText } from '../support/stored-text.ts'

const email = 'ada@example.com'
const password = 'correct horse battery'
const fresh = 'staple of a new horse'

type Change = {
  /** By what the same person signs in a second time. */
  account: string
  make(): Promise<Reply>
}

/** Everything that goes before a change, up to its last call. */
const changes = {
  'bind-phone': async (app) => {
    const ada = await personWithUnprovedEmail(app, email, password)
    const phoneNumber = newPhone()
    const passCode = await receiveCode(app, ada.token, 'CHANNEL_BIND_PHONE', phoneNumber)
    const body = { phoneNumber, passCode }
    return { account: email, make: () => app.post('/api/v3/bind-phone', body, ada) }
  },
  'update-phone': async (app) => {
    const ada = await personWithEmail(app, email)
    const changeToken = await provenChange(app, ada, newPhone())
    const body = { updatePhoneToken: changeToken }
    return { account: email, make: () => app.post('/api/v3/update-phone', body, ada) }
  },
  'unbind-phone': async (app) => {
    const ada = await personWithEmail(app, email)
    const passCode = await receiveCode(app, ada.token, 'CHANNEL_UNBIND_PHONE', ada.phone)
    return { account: email, make: () => app.post('/api/v3/unbind-phone', { passCode }, ada) }
  },
  'bind-email': async (app) => {
    const alice = await personWithPhone(app)
    const passCode = await emailCode(app, alice, { to: email, channel: 'CHANNEL_BIND_EMAIL' })
    return { account: alice.username, make: () => app.post('/api/v3/bind-email', { email, passCode }, alice) }
  },
  'update-email': async (app) => {
    const ada = await personWithEmail(app, email)
    const proofs = await proofsOfChange(app, ada, { from: email, to: 'countess@example.com' })
    const { data } = await requestChange(app, ada, proofs)
    return { account: email, make: () => updateEmail(app, ada, data.updateEmailToken) }
  },
  'unbind-email': async (app) => {
    const ada = await personWithEmail(app, email)
    const passCode = await emailCode(app, ada, { to: email, channel: 'CHANNEL_UNBIND_EMAIL' })
    return { account: email, make: () => app.post('/api/v3/unbind-email', { passCode }, ada) }
  },
  'update-password': async (app) => {
    const ada = await personWithEmail(app, email)
    const body = { oldPassword: password, newPassword: fresh }
    return { account: email, make: () => updatePassword(app, ada.token, body) }
  },
  'reset-password': async (app) => {
    const ada = await personWithEmail(app, email)
    const token = await resetToken(app, ada.phone)
    return { account: email, make: () => resetPassword(app, token, fresh) }
  },
} as const satisfies Record<string, (app: TestApp) => Promise<Change>>

const parts = {
  'the end of the other sessions': { table: 'sessions', event: 'update of ended_at' },
  'the audit event': { table: 'audit_events', event: 'insert' },
  'the notice': { table: 'notices', event: 'insert' },
} as const

/** Until it is lifted, the database refuses to write this part. */
const failWriting = async ({ db }: TestApp, { table, event }: { table: string; event: string }) => {
  const lift = () => db.script('drop function if exists fail_writing cascade')
  await db.script(`
    create function fail_writing() returns trigger language plpgsql as $$
      begin
        raise exception 'the test lets this fail';
      end $$;
    create trigger fail_writing before ${event} on ${table} for each row execute function fail_writing();`)
  return { lift, [Symbol.asyncDispose]: lift }
}

/** Whatever a change touches. */
const stateOf = async (app: TestApp): Promise<string[]> => {
  const state = await storedText(app, [
    'users',
    'phone_bindings',
    'sessions',
    'refresh_tokens',
    'passcodes',
    'step_up_tokens',
    'audit_events',
    'notices',
    'messages',
  ])
  return state.split('\n').sort()
}

const rows = Object.entries(changes).flatMap(([call, prepare]) =>
  Object.entries(parts).map(([part, written]) => ({ call, prepare, part, written })),
)

describe('of a change', () => {
  it.each(rows)(
    'by $call nothing is left where $part cannot be written (rule 15)',
    async ({ prepare, written }) => {
      await using app = await startTestApp()
      const { account, make } = await prepare(app)
      const { data } = await signInByPassword(app, account)
      const otherSession = () => app.get('/api/v3/get-profile', { token: data.access_token })
      const before = await stateOf(app)
      await using fault = await failWriting(app, written)

      const failed = await make()

      expect(failed).toMatchObject({ status: 500 })
      expect(await stateOf(app)).toEqual(before)
      expect(await otherSession()).toMatchObject({ statusCode: 200 })
      await fault.lift()
      expect(await make()).toMatchObject({ statusCode: 200 })
      expect(await otherSession()).toMatchObject({ statusCode: 401 })
    },
  )
})
