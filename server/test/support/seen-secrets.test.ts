import { describe, expect, it } from 'vitest'
import { createSeenSecrets } from './seen-secrets.ts'

const token = 'q'.repeat(43)
const link = `Not you? https://auth.example.com/account/undo/${token}`
const inInbox = {
  id: '1',
  to: '+8618810000001',
  channel: 'NOTICE_PHONE_CHANGED',
  createdAt: '',
  passCode: '',
}

const seenIn = (body: unknown) => {
  const seen = createSeenSecrets()
  seen.collect(body)
  seen.collectInbox([
    { ...inInbox, text: link },
    { ...inInbox, text: '', passCode: '482913' },
  ])
  return seen
}

const typed = {
  passCodePayload: { phone: '7400100500', phoneCountryCode: '+44', passCode: '075310' },
  passwordPayload: { email: 'ada@example.com', password: 'a "b" c' },
  client_secret: 'secret-of-an-application',
}

describe('a test fails where a log line holds (rule 12)', () => {
  it.each([
    { what: 'a code from the inbox', line: '{"msg":"sent 482913 to nobody"}' },
    { what: 'a code that was typed', line: '{"reason":"075310"}' },
    { what: 'the token of a link', line: `{"url":"/account/undo/${token}"}` },
    { what: 'a password', line: '{"password":"a \\"b\\" c"}' },
    { what: 'a secret of an application', line: '{"auth":"Basic secret-of-an-application"}' },
    { what: 'an address', line: '{"msg":"550 no mailbox <ada@example.com>"}' },
    { what: 'a number', line: '{"to":"7400100500"}' },
    { what: 'a number with its calling code', line: '{"to":"+447400100500"}' },
  ])('$what', ({ line }) => {
    const refuse = () => seenIn(typed).refuseIn(['{"msg":"request"}', line])

    expect(refuse).toThrow(`in the log: ${line}`)
  })
})

describe('a test does not fail where a log line holds', () => {
  it.each([
    {
      what: 'the digits of a code inside of an id',
      line: '{"reqId":"482913ab-0753-4b08-9389-075310aa5e02"}',
    },
    { what: 'the digits of a code inside of a duration', line: '{"ms":12.482913}' },
    { what: 'a masked number', line: '{"to":"+44********00"}' },
    { what: 'a word that is also the start of a password', line: '{"msg":"a b c"}' },
  ])('$what', ({ line }) => {
    const refuse = () => seenIn(typed).refuseIn([line])

    expect(refuse).not.toThrow()
  })
})
