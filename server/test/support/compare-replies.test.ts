import { describe, expect, it } from 'vitest'
import { type Call, differences } from './compare-replies.ts'

const ids = [
  '0189f7ea-ae2c-7f1b-8a6c-1f2e3d4c5b6a',
  '0189f7ea-ae2c-7f1b-8a6c-aaaaaaaaaaaa',
  crypto.randomUUID(),
]
const [one = '', other = '', third = ''] = ids

const replies = (values: unknown[]): Call[] =>
  values.map((value) => ({ method: 'getProfile', outcome: { kind: 'resolved', value } }))

const compare = (left: unknown[], right: unknown[]) =>
  differences({ by: 'theirs', calls: replies(left) }, { by: 'ours', calls: replies(right) })

const jwt = (header: object, claims: object) =>
  [header, claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')

describe('the comparison of replies', () => {
  it('finds nothing where only ids, times, phones, names and pictures of a run differ', () => {
    const reply = (id: string, phone: string, moment: string) => ({
      data: {
        userId: id,
        phone,
        phone_number: `+86${phone}`,
        createdAt: `2026-01-01T00:00:${moment}.123Z`,
        seenAt: Number(`17000000${moment}`),
        username: `user-${moment}`,
        uri: `otpauth://totp/Dialtone:user-${moment}?secret=${'ABCDEFGH'.repeat(4)}&issuer=Dialtone`,
        picture: `data:image/png;base64,${'iVBOR'.repeat(Number(moment))}=`,
        svg: `<svg ${moment}</svg>`,
        ticket: `ticket_of-run${moment}`,
      },
    })

    expect(compare([reply(one, '18810000001', '11')], [reply(other, '18810000002', '12')])).toEqual([])
  })

  it('lets a waiting time be shorter, and not another type or absent', () => {
    const waiting = (retryAfterSeconds: unknown) => ({ data: { retryAfterSeconds } })

    expect(compare([waiting(60)], [waiting(58)])).toEqual([])
    expect(compare([waiting(60)], [waiting('60')])).toHaveLength(1)
    expect(compare([waiting(60)], [{ data: {} }])).toHaveLength(1)
  })

  it('names a field that is missing, and one that is too many', () => {
    expect(compare([{ data: { phone: '1', email: null } }], [{ data: { phone: '1' } }])).toEqual([
      '1st call getProfile: data.email: null by theirs, nothing by ours',
    ])
    expect(compare([{}], [{ data: {} }])).toEqual([
      '1st call getProfile: data: nothing by theirs, {} by ours',
    ])
  })

  it('names another value, and another type of the same value', () => {
    expect(compare([{}, { statusCode: 200 }], [{}, { statusCode: 499 }])).toEqual([
      '2nd call getProfile: statusCode: 200 by theirs, 499 by ours',
    ])
    expect(compare([{ at: 1_700_000_000 }], [{ at: '1700000000' }])).toEqual([
      '1st call getProfile: at: 1700000000 by theirs, "1700000000" by ours',
    ])
    expect(compare([{ list: [] }], [{ list: {} }])).toHaveLength(1)
    expect(compare([{ list: [1, 2] }], [{ list: [1] }])).toEqual([
      '1st call getProfile: list.1: 2 by theirs, nothing by ours',
    ])
  })

  it('names a value of another form', () => {
    expect(compare([{ id: one }], [{ id: 'one' }])).toHaveLength(1)
    expect(compare([{ phone: '18810000001' }], [{ phone: '+8618810000001' }])).toHaveLength(1)
    expect(compare([{ at: 1_700_000_000 }], [{ at: 1_700_000_000_000 }])).toHaveLength(1)
    expect(compare([{ ticket: 'abcdefgh_1' }], [{ ticket: 'abcdefgh_12' }])).toHaveLength(1)
    expect(compare([{ ticket: 'abcdef' }], [{ ticket: 'abc.ef' }])).toHaveLength(1)
    expect(
      compare([{ picture: 'data:image/png;base64,aa' }], [{ picture: 'data:image/gif;base64,aa' }]),
    ).toHaveLength(1)
  })

  it('finds an id or a phone that is another one’s', () => {
    expect(compare([{ a: one }, { b: one }], [{ a: other }, { b: third }])).toEqual([
      `2nd call getProfile: b: "${one}" by theirs, "${third}" by ours`,
    ])
    expect(compare([{ a: one }, { b: other }], [{ a: third }, { b: third }])).toHaveLength(1)
    expect(compare([{ a: one }, { b: other }], [{ a: other }, { b: one }])).toEqual([])
    expect(
      compare(
        [{ phone: '18810000001' }, { phone: '18810000001' }],
        [{ phone: '18810000002' }, { phone: '18810000003' }],
      ),
    ).toHaveLength(1)
  })

  it('finds an id in the form of WebAuthn', () => {
    const bytes = (id: string) => Buffer.from(id).toString('base64url')

    expect(compare([{ id: one }, { id: bytes(one) }], [{ id: other }, { id: bytes(other) }])).toEqual([])
    expect(compare([{ id: one }, { id: bytes(one) }], [{ id: other }, { id: bytes(third) }])).toHaveLength(1)
  })

  it('reads tokens: their headers and claims are compared, their signatures are not', () => {
    const header = { alg: 'RS256', kid: 'k' }
    const token = jwt(header, { sub: one, iat: 1_700_000_000, scope: 'openid' })

    expect(
      compare([{ token }], [{ token: jwt(header, { sub: other, iat: 1_700_000_009, scope: 'openid' }) }]),
    ).toEqual([])
    expect(
      compare(
        [{ token }],
        [{ token: jwt({ ...header, alg: 'HS256' }, { sub: one, iat: 1_700_000_000, scope: 'openid' }) }],
      ),
    ).toEqual(['1st call getProfile: token.header.alg: "RS256" by theirs, "HS256" by ours'])
    expect(compare([{ token }], [{ token: jwt(header, { sub: one, iat: 1_700_000_000 }) }])).toEqual([
      '1st call getProfile: token.claims.scope: "openid" by theirs, nothing by ours',
    ])
    expect(compare([{ token }], [{ token: 'opaque' }])).toHaveLength(1)
  })

  it('names a call that only one made, another method, and another kind of outcome', () => {
    const made = (method: string, kind: 'resolved' | 'refused' = 'resolved') => ({
      method,
      outcome: { kind, value: {} },
    })
    const of = (...calls: Call[]) => ({ by: 'theirs', calls })

    expect(differences(of(made('bindPhone')), of())).toEqual([
      '1st call bindPhone: "bindPhone" by theirs, nothing by theirs',
    ])
    expect(differences(of(made('bindPhone')), of(made('unbindPhone')))).toHaveLength(1)
    expect(differences(of(made('bindPhone')), of(made('bindPhone', 'refused')))).toEqual([
      '1st call bindPhone: "resolved" by theirs, "refused" by theirs',
    ])
  })

  it('passes over what a method that is known to differ gave, and over nothing else', () => {
    const recording = (value: unknown) => ({ by: 'theirs', calls: replies([value]) })

    expect(differences(recording(1), recording(2), ['getProfile'])).toEqual([])
    expect(differences(recording(1), recording(2), ['bindPhone'])).toHaveLength(1)
  })
})
