import { createCipheriv, createHash, createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  createKeyring,
  deriveMasterKey,
  digest,
  newId,
  randomInteger,
  randomToken,
  sameSecret,
  sha256,
  UnknownMasterKey,
} from './crypto.ts'
import { createLog } from './log.ts'
import { Secret } from './secret.ts'

const secret = new Secret('a master key of the tests: 0123456789')
const olderSecret = new Secret('an older master key of the tests: 0123')

/** RFC 5869 once more, from HMAC alone: no salt, one or two blocks. */
const hkdf = (input: string, info: string, bytes: number): Buffer => {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(input).digest()
  return createHmac('sha256', extracted)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, bytes)
}

describe('deriveMasterKey', () => {
  it('is HKDF-SHA256 with one info a purpose', () => {
    const key = deriveMasterKey(secret)

    expect(key).toEqual({
      id: hkdf(secret.reveal(), 'dialtone key id', 6).toString('hex'),
      seal: hkdf(secret.reveal(), 'dialtone seal', 32),
      derive: hkdf(secret.reveal(), 'dialtone passcode derivation', 32),
      digest: hkdf(secret.reveal(), 'dialtone passcode digest', 32),
      fingerprint: hkdf(secret.reveal(), 'dialtone fingerprint', 32),
    })
  })

  it('gives an id that never changes: rows of old databases name it', () => {
    expect(deriveMasterKey(secret).id).toBe('2a6e673d24d5')
  })

  it('gives other keys for another secret', () => {
    const [key, other] = [deriveMasterKey(secret), deriveMasterKey(olderSecret)]

    const equal = (['id', 'seal', 'derive', 'digest', 'fingerprint'] as const).filter(
      (name) => key[name].toString('hex') === other[name].toString('hex'),
    )

    expect(equal).toEqual([])
  })
})

describe('a keyring (rule 27)', () => {
  it('opens what it sealed, and names the key before it', () => {
    const keyring = createKeyring([secret])

    const sealed = keyring.seal('grüße 你好', 'application 1')

    expect(sealed).toMatch(new RegExp(`^${keyring.current.id}\\.[\\w-]+$`))
    expect(keyring.unseal(sealed, 'application 1')).toBe('grüße 你好')
  })

  it('opens AES-256-GCM with the context as associated data: nonce, text, tag', () => {
    const keyring = createKeyring([secret])
    const nonce = Buffer.alloc(12, 3)
    const cipher = createCipheriv('aes-256-gcm', hkdf(secret.reveal(), 'dialtone seal', 32), nonce)
    cipher.setAAD(Buffer.from('application 1'))
    const body = Buffer.concat([nonce, cipher.update('hush', 'utf8'), cipher.final(), cipher.getAuthTag()])

    const opened = keyring.unseal(`${keyring.current.id}.${body.toString('base64url')}`, 'application 1')

    expect(opened).toBe('hush')
  })

  it('never seals the same text to the same value', () => {
    const keyring = createKeyring([secret])

    const sealed = new Set(Array.from({ length: 100 }, () => keyring.seal('hush', 'x')))

    expect(sealed.size).toBe(100)
  })

  it('refuses a value of another context: a row’s secret does not open in another row', () => {
    const keyring = createKeyring([secret])
    const sealed = keyring.seal('hush', 'application 1')

    const open = () => keyring.unseal(sealed, 'application 2')

    expect(open).toThrow()
  })

  it('refuses a value of which any bit was changed', () => {
    const keyring = createKeyring([secret])
    const [id, body = ''] = keyring.seal('hush', 'x').split('.')
    const bytes = Buffer.from(body, 'base64url')

    const opened = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        return keyring.unseal(`${id}.${changed.toString('base64url')}`, 'x')
      } catch {
        return undefined
      }
    }).filter((text) => text !== undefined)

    expect(opened).toEqual([])
  })

  it('refuses a value that was cut short', () => {
    const keyring = createKeyring([secret])
    const [id, body = ''] = keyring.seal('hush', 'x').split('.')

    for (const length of [0, 12, 16, 28, body.length - 1]) {
      expect(() => keyring.unseal(`${id}.${body.slice(0, length)}`, 'x')).toThrow()
    }
  })

  it('opens with an older key what was sealed before a rotation, and seals with the newest', () => {
    const sealed = createKeyring([olderSecret]).seal('hush', 'x')
    const rotated = createKeyring([secret, olderSecret])

    const opened = rotated.unseal(sealed, 'x')

    expect(opened).toBe('hush')
    expect(rotated.seal('hush', 'x').split('.')[0]).toBe(deriveMasterKey(secret).id)
  })

  it('says which key is missing, and not what it sealed', () => {
    const sealed = createKeyring([olderSecret]).seal('hush', 'x')

    const open = () => createKeyring([secret]).unseal(sealed, 'x')

    expect(open).toThrow(UnknownMasterKey)
    expect(open).toThrow(deriveMasterKey(olderSecret).id)
  })

  it('gives one value one fingerprint, and every other value another', () => {
    const keyring = createKeyring([secret])

    const fingerprints = ['+8618812345678', '+8618812345678', '+8618812345679'].map(keyring.fingerprint)

    expect(fingerprints[0]).toMatch(/^[\da-f]{24}$/)
    expect(fingerprints[1]).toBe(fingerprints[0])
    expect(fingerprints[2]).not.toBe(fingerprints[0])
    expect(createKeyring([olderSecret]).fingerprint('+8618812345678')).not.toBe(fingerprints[0])
  })
})

describe('digest', () => {
  const key = Buffer.alloc(32, 1)

  it('is HMAC-SHA256 over the parts, each behind its length in bytes', () => {
    const expected = createHmac('sha256', key).update('2:ab6:你好0:').digest()

    expect(digest(key, 'ab', '你好', '')).toEqual(expected)
  })

  it('keeps its parts apart', () => {
    const splits = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['ab1:c'], ['a', '1:c']]

    const digests = splits.map((parts) => digest(key, ...parts).toString('hex'))

    expect(new Set(digests).size).toBe(splits.length)
  })

  it('tells nothing without its key', () => {
    expect(digest(key, '123456')).not.toEqual(digest(Buffer.alloc(32, 2), '123456'))
  })
})

describe('random values and hashes', () => {
  it('sha256 is SHA-256 (FIPS 180-4, "abc")', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

    expect(sha256('abc').toString('hex')).toBe(expected)
    expect(sha256('你好')).toEqual(createHash('sha256').update(Buffer.from('你好', 'utf8')).digest())
  })

  it('a token has 256 bits and is never the same (rule 28)', () => {
    const tokens = Array.from({ length: 1000 }, randomToken)

    expect(tokens.filter((token) => Buffer.from(token, 'base64url').length !== 32)).toEqual([])
    expect(new Set(tokens).size).toBe(1000)
  })

  it('a random integer stays below its bound and reaches every value', () => {
    const values = new Set(Array.from({ length: 2000 }, () => randomInteger(16)))

    expect([...values].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, value) => value))
  })

  it('a new id is a UUIDv7 of the clock that was handed in', () => {
    const now = new Date('2026-01-02T03:04:05.678Z')

    const id = newId({ now: () => now })

    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(now.getTime())
  })

  it('sameSecret compares the whole of a secret', () => {
    const expected = new Secret('correct')

    expect(
      ['correct', 'correc', 'correct ', 'Correct', ''].map((given) => sameSecret(given, expected)),
    ).toEqual([true, false, false, false, false])
  })
})

describe('a secret (rule 12)', () => {
  const hidden = new Secret('do-not-print-me')

  it.each([
    ['String', () => String(hidden)],
    ['a template', () => `${hidden}`],
    ['concatenation', () => `a ${hidden}`.concat(String(hidden))],
    ['JSON', () => JSON.stringify({ hidden, list: [hidden] })],
    ['inspect', () => inspect({ hidden, list: [hidden] }, { depth: 10, showHidden: true })],
    ['an error', () => inspect(new Error(`failed: ${hidden}`, { cause: hidden }))],
    ['its own keys', () => inspect(Object.entries(Object.getOwnPropertyDescriptors(hidden)))],
  ])('is not printed by %s', (_way, print) => {
    expect(print()).not.toContain('do-not-print-me')
  })

  it('is not printed by the log', () => {
    const lines: string[] = []
    const log = createLog('trace', { write: (line) => lines.push(line) })

    log.info({ hidden, inside: { hidden }, err: new Error(String(hidden)) }, `with ${hidden}`)

    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('[secret]')
    expect(lines[0]).not.toContain('do-not-print-me')
  })

  it('is given by reveal alone', () => {
    expect(hidden.reveal()).toBe('do-not-print-me')
  })
})
