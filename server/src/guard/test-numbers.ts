// Numbers for trying things out and for app reviewers: each has a fixed code until a date, and never gets a message.
//
// What must stay true: in production they do nothing unless the settings switch them on; the code is sealed at rest.
import { type Static, Type } from 'typebox'
import { ApiError, fieldInvalid } from '../api-codes.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { Keyring } from '../core/crypto.ts'
import type { Database, Queryable } from '../core/database.ts'
import { gatherFaults } from '../core/faults.ts'
import { type E164, requirePhone } from '../phone-numbers/phone-numbers.ts'
import {
  deleteOtherTestNumbers,
  deleteTestNumber,
  selectTestNumbers,
  type TestNumberRow,
  upsertTestNumber,
} from './store.ts'

/** The provider that takes messages to test numbers, and sends none. */
export const testNumberProvider = 'test_number'

export const TestNumber = Type.Object(
  {
    phone: Type.String({
      maxLength: 40,
      description: 'E.164; or of mainland China without a calling code.',
      examples: ['+8618800000001'],
    }),
    code: Type.String({ maxLength: 8, description: 'As long as every passcode.', examples: ['246810'] }),
    expiresAt: Type.String({
      maxLength: 40,
      description: 'Until when it is one: ISO 8601, at most 366 days ahead.',
      examples: ['2027-01-31T00:00:00.000Z'],
    }),
  },
  { additionalProperties: false },
)

export type TestNumber = Static<typeof TestNumber>

const cacheSeconds = 5
const longestDays = 366

type Deps = {
  db: Database
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'production' | 'testNumbers' | 'passcodeLength'>
}

export const createTestNumbers = ({ db, keyring, clock, config }: Deps) => {
  const isOn = config.testNumbers
  const cache = new Map<string, { rows: ReadonlyMap<string, TestNumberRow>; until: number }>()
  const contextOf = (poolId: string, phone: string) => `test number ${poolId} ${phone}`

  const rowsOf = async (poolId: string): Promise<ReadonlyMap<string, TestNumberRow>> => {
    const now = clock.now().getTime()
    const cached = cache.get(poolId)
    if (cached !== undefined && cached.until > now) return cached.rows
    const rows = new Map((await selectTestNumbers(db, poolId)).map((row) => [row.phone, row]))
    cache.set(poolId, { rows, until: now + cacheSeconds * 1000 })
    return rows
  }

  /** @throws ApiError request_invalid, phone_number_invalid naming the field */
  const parse = ({ phone, code, expiresAt }: TestNumber): { phone: E164; code: string; expiresAt: Date } => {
    const parsed = requirePhone(phone, undefined, 'phone')
    if (!/^\d+$/.test(code) || code.length !== config.passcodeLength) {
      throw fieldInvalid('code', `must be ${config.passcodeLength} digits`)
    }
    const until = new Date(expiresAt)
    const days = (until.getTime() - clock.now().getTime()) / 86_400_000
    if (!(days > 0 && days <= longestDays)) {
      throw fieldInvalid('expiresAt', `must lie in the future, at most ${longestDays} days ahead`)
    }
    return { phone: parsed.phone, code, expiresAt: until }
  }

  const write = async (tx: Queryable, poolId: string, number: ReturnType<typeof parse>): Promise<void> => {
    await upsertTestNumber(tx, {
      poolId,
      phone: number.phone,
      sealedCode: keyring.seal(number.code, contextOf(poolId, number.phone)),
      expiresAt: number.expiresAt,
      now: clock.now(),
    })
  }

  return {
    isOn,

    /** The fixed code of a number that is a test number now. */
    codeOf: async (poolId: string, phone: E164): Promise<string | undefined> => {
      if (!isOn) return undefined
      const row = (await rowsOf(poolId)).get(phone)
      if (row === undefined || row.expires_at.getTime() <= clock.now().getTime()) return undefined
      return keyring.unseal(row.sealed_code, contextOf(poolId, phone))
    },

    /** After a transaction that changed test numbers: what is kept in memory is read anew. */
    forget: (poolId: string): void => {
      cache.delete(poolId)
    },

    list: async (poolId: string, tx: Queryable = db): Promise<TestNumber[]> =>
      (await selectTestNumbers(tx, poolId)).map((row) => ({
        phone: row.phone,
        code: keyring.unseal(row.sealed_code, contextOf(poolId, row.phone)),
        expiresAt: row.expires_at.toISOString(),
      })),

    put: async (poolId: string, number: TestNumber, tx: Queryable = db): Promise<void> => {
      await write(tx, poolId, parse(number))
      cache.delete(poolId)
    },

    remove: async (poolId: string, phone: string, tx: Queryable = db): Promise<void> => {
      const parsed = requirePhone(phone, undefined, 'phone')
      const [gone] = await deleteTestNumber(tx, poolId, parsed.phone)
      if (gone === undefined) throw new ApiError('record_not_found', 'no such test number')
      cache.delete(poolId)
    },

    /** These and no others, in the caller's transaction. @throws ApiError request_invalid naming every field */
    replaceAll: async (poolId: string, numbers: readonly TestNumber[], tx: Queryable): Promise<void> => {
      const { below, refuse } = gatherFaults()
      const parsed: ReturnType<typeof parse>[] = []
      for (const [index, number] of numbers.entries()) {
        await below(String(index), () => {
          const one = parse(number)
          if (parsed.some(({ phone }) => phone === one.phone)) throw fieldInvalid('phone', 'is there twice')
          parsed.push(one)
        })
      }
      refuse()
      await deleteOtherTestNumbers(
        tx,
        poolId,
        parsed.map(({ phone }) => phone),
      )
      for (const number of parsed) await write(tx, poolId, number)
      cache.delete(poolId)
    },
  }
}

export type TestNumbers = ReturnType<typeof createTestNumbers>
