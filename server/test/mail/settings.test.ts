import { describe, expect, it } from 'vitest'
import { sql } from '../../src/core/database.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { consoleOf } from '../support/console.ts'
import {
  hasOpenssl,
  mailUser,
  makeCertificate,
  parseLetter,
  startMailServer,
} from '../support/mail-server.ts'

const path = '/console/api/mail'

const entry = {
  host: 'smtp.example.com',
  port: 465,
  security: 'tls',
  ...mailUser,
  from: 'login@example.com',
  fromName: 'Example',
}

const { password: _, ...shown } = entry

type Fault = { field: string; message: string }
const faults = (body: { data: { errors: Fault[] } }) => body.data.errors.map(({ field }) => field)

const events = async (app: TestApp) => {
  const rows = await app.db.query<{ detail: { what: string; name: string; username: string } }>(
    sql`select detail from audit_events where type = 'mail_settings.changed' order by id`,
  )
  return rows.map(({ detail }) => detail)
}

describe('the mail server of a pool', () => {
  it('is set, shown without its password, and removed, each time with an event', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    const none = await calls.get(path)
    const put = await calls.put(path, entry)
    const get = await calls.get(path)
    const removed = await calls.delete(path)
    const again = await calls.delete(path)

    expect(none.body).toEqual({ hasPassword: false })
    expect(put).toMatchObject({ status: 200, body: { settings: shown, hasPassword: true } })
    expect(get.body).toEqual({ settings: shown, hasPassword: true })
    expect(removed.body).toEqual({ hasPassword: false })
    expect(again.status).toBe(404)
    expect(await events(app)).toMatchObject([
      { what: 'mail', name: 'smtp', username: 'admin' },
      { what: 'mail', name: 'smtp', username: 'admin' },
    ])
  })

  it('has its password sealed at rest, and in no event and no log (rules 12 and 27)', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)

    await calls.put(path, entry)

    const [row] = await app.db.query<{ sealed_password: string }>(sql`select * from mail_settings`)
    expect(row?.sealed_password).toMatch(/^[0-9a-f]+\./)
    expect(JSON.stringify(row)).not.toContain(entry.password)
    expect(JSON.stringify(await events(app))).not.toContain(entry.password)
    expect(app.lines.join()).not.toContain(entry.password)
  })

  it.each([
    ['host', { host: 'smtp.example.net' }],
    ['port', { port: 587 }],
    ['security', { security: 'starttls' }],
    ['caCertificate', { caCertificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' }],
  ])('keeps a password that is left out, unless %s changes (rule 27)', async (name, change) => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, entry)

    const kept = await calls.put(path, { ...shown, fromName: 'Another' })
    const moved = await calls.put(path, { ...shown, ...change })

    expect(kept).toMatchObject({ status: 200, body: { hasPassword: true } })
    expect(moved).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'password' }] } } })
    expect(moved.body.data.errors[0].message).toContain(`${name} has changed`)
    expect((await calls.get(path)).body.settings).toEqual({ ...shown, fromName: 'Another' })
  })

  it('drops the password with its username', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, entry)
    const { username: _username, ...open } = shown

    const put = await calls.put(path, open)

    expect(put).toMatchObject({ status: 200, body: { settings: open, hasPassword: false } })
  })

  it('is refused with every field that is wrong, and stays as it was', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    await calls.put(path, entry)

    const form = await calls.put(path, {
      ...entry,
      port: 0,
      security: 'ssl',
      colour: 'blue',
      from: undefined,
    })
    const values = await calls.put(path, {
      ...entry,
      host: 'smtps://smtp.example.com',
      from: 'nobody',
      fromName: 'Example\r\nBcc: eve@example.com',
      replyTo: 'help@example.com\nBcc: eve@example.com',
      caCertificate: 'none',
    })
    const noName = await calls.put(path, { ...entry, username: undefined })
    const nothing = await calls.put(path, [])

    expect(form.status).toBe(400)
    expect(faults(form.body).sort()).toEqual(['colour', 'from', 'port', 'security'])
    expect(faults(values.body).sort()).toEqual(['caCertificate', 'from', 'fromName', 'host', 'replyTo'])
    expect(values.body.data.errors).toContainEqual({
      field: 'fromName',
      message: 'holds a line break or another control character: remove it',
    })
    expect(faults(noName.body)).toEqual(['username'])
    expect(nothing.status).toBe(400)
    expect((await calls.get(path)).body.settings).toEqual(shown)
    expect(await events(app)).toHaveLength(1)
  })

  it('may go without TLS in production only where it is on the same machine', async () => {
    await using app = await startTestApp({
      NODE_ENV: 'production',
      DIALTONE_DATABASE_URL: 'postgres://localhost/unused',
    })
    const calls = await consoleOf(app)

    const far = await calls.put(path, { ...entry, security: 'none' })
    const near = await calls.put(path, { ...entry, security: 'none', host: '127.0.0.1' })

    expect(far).toMatchObject({ status: 400, body: { data: { errors: [{ field: 'security' }] } } })
    expect(near.status).toBe(200)
  })

  it('is part of the configuration document, and shown there without its password', async () => {
    await using app = await startTestApp()
    const calls = await consoleOf(app)
    const document = '/console/api/sms/configuration'

    const applied = await calls.put(document, { mail: entry })
    const again = await calls.put(document, { mail: entry })
    const whole = await calls.get(document)
    const roundTrip = await calls.put(document, whole.body)
    const newPassword = await calls.put(document, { mail: { ...entry, password: 'another one' } })
    const wrong = await calls.put(document, { mail: { ...entry, port: '465' }, accounts: { colour: 'blue' } })

    expect(applied.body.changes).toEqual([{ part: 'mail', name: 'smtp', change: 'created' }])
    expect(again.body.changes).toEqual([{ part: 'mail', name: 'smtp', change: 'unchanged' }])
    expect(whole.body.mail).toEqual(shown)
    expect(roundTrip.body.changes).toContainEqual({ part: 'mail', name: 'smtp', change: 'unchanged' })
    expect(newPassword.body.changes).toEqual([{ part: 'mail', name: 'smtp', change: 'changed' }])
    expect(faults(wrong.body).sort()).toEqual(['accounts.colour', 'mail.port'])
  })
})

describe.skipIf(!hasOpenssl)('a test letter', () => {
  it('is sent by the mail server as it was just set', async () => {
    await using app = await startTestApp()
    const tls = await makeCertificate()
    const server = await startMailServer({ security: 'starttls', tls, methods: ['PLAIN'] })
    const calls = await consoleOf(app)
    const own = { ...entry, host: '127.0.0.1', port: server.port, security: 'starttls' }
    await calls.put(path, { ...own, caCertificate: tls.certificate })

    const sent = await calls.post(`${path}/test`, { to: ' Ada@Example.com' })

    expect(sent).toMatchObject({ status: 200, body: { outcome: 'accepted' } })
    const parsed = await parseLetter(server.received[0]?.raw ?? '')
    expect(parsed.messageId).toBe(`<${sent.body.providerMessageId}>`)
    expect(parsed.from?.value).toEqual([{ address: 'login@example.com', name: 'Example' }])
    expect(server.received).toMatchObject([{ to: ['ada@example.com'], secure: true }])
  })

  it('tells in words why it did not go', async () => {
    await using app = await startTestApp()
    const tls = await makeCertificate()
    const server = await startMailServer({ security: 'tls', tls, methods: ['PLAIN'] })
    const calls = await consoleOf(app)
    const own = { ...entry, host: '127.0.0.1', port: server.port, caCertificate: tls.certificate }
    await calls.put(path, { ...own, password: 'wrong' })

    const wrong = await calls.post(`${path}/test`, { to: 'ada@example.com' })
    await calls.put(path, own)
    const right = await calls.post(`${path}/test`, { to: 'ada@example.com' })

    expect(wrong.body).toMatchObject({ outcome: 'refused', reason: 'login_refused', code: '535 5.7.8' })
    expect(wrong.body.about).toContain('username and password')
    expect(right.body).toMatchObject({ outcome: 'accepted' })
  })

  it('is refused without a mail server, for what is no address, and too often', async () => {
    await using app = await startTestApp({ DIALTONE_TEST_MESSAGES_HOUR: '1' })
    const calls = await consoleOf(app)
    const none = await calls.post(`${path}/test`, { to: 'ada@example.com' })
    const server = await startMailServer({ security: 'none' })
    await calls.put(path, {
      host: '127.0.0.1',
      port: server.port,
      security: 'none',
      from: 'login@example.com',
    })

    const nobody = await calls.post(`${path}/test`, { to: 'nobody' })
    const first = await calls.post(`${path}/test`, { to: 'ada@example.com' })
    const second = await calls.post(`${path}/test`, { to: 'ada@example.com' })

    expect([none, nobody, first, second].map(({ status }) => status)).toEqual([422, 400, 200, 429])
    expect(server.received).toHaveLength(1)
  })
})
