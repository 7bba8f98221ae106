// A process that is killed in the middle of its work, again and again: what it has acknowledged stays, and no number
// and no code is ever given away twice.
import { beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import {
  type Answer,
  buildServer,
  type Client,
  clientOf,
  engines,
  type ServerProcess,
  startServer,
} from '../support/process.ts'

const rounds = 2
const numbersPerRound = 12
const generous = {
  DIALTONE_MESSAGES_PER_IP_HOUR: '1000000',
  DIALTONE_MESSAGES_PER_APPLICATION_HOUR: '1000000',
  DIALTONE_PASSCODE_FAILURES_HOUR: '1000000',
  DIALTONE_PASSCODE_ATTEMPTS: '1000000',
}
const passcodeIncorrect = { statusCode: 499, apiCode: 2001 }

/** DIALTONE_TEST_SEED repeats a run. */
const seed = Number(process.env['DIALTONE_TEST_SEED'] ?? Date.now() % 1_000_000)

beforeAll(buildServer)

describe.each(Object.entries(engines))('kill -9 amid binds on %s', { timeout: 600_000 }, (_, newPlace) => {
  it(`loses no acknowledged bind and gives nothing away twice (seed ${seed})`, async () => {
    // The same port after each kill: it is part of the public URL, which the tokens name as their issuer.
    const settings = { ...generous, ...(await newPlace()), PORT: String(await freePort()) }
    const below = randomFrom(seed)
    let server = await startServer(settings)

    for (let round = 0; round < rounds; round += 1) {
      const contests = await prepare(clientOf(server), round)
      const acknowledged = await bindAndKill(server, contests, 1 + below(numbersPerRound - 4))
      server = await startServer(settings)
      await expectKept(clientOf(server), contests, acknowledged)
      await expectSpent(clientOf(server), contests, acknowledged)
    }
  })
})

/** Two people who both know the code that was sent to one number. */
type Contest = { phone: string; code: string; tokens: readonly [string, string] }

/** The phone, and who was told that it is theirs. */
type Acknowledged = ReadonlyMap<string, string>

const prepare = (client: Client, round: number): Promise<Contest[]> =>
  Promise.all(
    Array.from({ length: numbersPerRound }, async (_, index) => {
      const phone = `188${String(10_000_000 + round * 1000 + index)}`
      const tokens = await Promise.all([
        newToken(client, `left-${round}-${index}`),
        newToken(client, `right-${round}-${index}`),
      ])
      // Asked for by nobody in particular, so that whoever has the code may use it.
      expect(await client.sendCode(phone)).toMatchObject({ statusCode: 200 })
      return { phone, code: await client.lastCode(phone), tokens }
    }),
  )

const newToken = async (client: Client, username: string): Promise<string> => {
  expect(await client.signUp(username)).toMatchObject({ statusCode: 200 })
  return (await client.signIn(username)).data.access_token
}

/** Everybody binds at once; after so many acknowledgements the process is killed. */
const bindAndKill = async (
  server: ServerProcess,
  contests: readonly Contest[],
  killAfter: number,
): Promise<Acknowledged> => {
  const client = clientOf(server)
  const acknowledged = new Map<string, string>()
  const bind = async (token: string, { phone, code }: Contest) => {
    const answer = await client.bindPhone(token, phone, code).catch(() => undefined)
    if (answer?.statusCode !== 200) return
    expect(acknowledged.has(phone), 'one number was acknowledged to two people').toBe(false)
    acknowledged.set(phone, token)
    if (acknowledged.size === killAfter) await server.kill('SIGKILL')
  }
  await Promise.all(contests.flatMap((contest) => contest.tokens.map((token) => bind(token, contest))))
  expect(acknowledged.size).toBeGreaterThanOrEqual(killAfter)
  return acknowledged
}

const expectKept = async (client: Client, contests: readonly Contest[], acknowledged: Acknowledged) => {
  const owned = await ownersOf(client, contests)
  for (const { phone } of contests) expect(owned.get(phone)?.length ?? 0, phone).toBeLessThanOrEqual(1)
  for (const [phone, token] of acknowledged) expect(owned.get(phone), phone).toEqual([token])
}

/** Whoever did not get an answer tries again; then a third person tries every code. */
const expectSpent = async (client: Client, contests: readonly Contest[], acknowledged: Acknowledged) => {
  const open = contests.filter(({ phone }) => !acknowledged.has(phone))
  const again = await Promise.all(
    open.map((contest) =>
      Promise.all(contest.tokens.map((token) => client.bindPhone(token, contest.phone, contest.code))),
    ),
  )
  const replayer = await newToken(client, `replayer-${contests[0]?.phone}`)
  const replayed: Answer[] = []
  for (const { phone, code } of contests) replayed.push(await client.bindPhone(replayer, phone, code))

  for (const answers of again) expect(answers.filter(isSuccess).length).toBeLessThanOrEqual(1)
  for (const answer of replayed) expect(answer).toMatchObject(passcodeIncorrect)
  const owned = await ownersOf(client, contests)
  for (const { phone } of contests) expect(owned.get(phone), phone).toHaveLength(1)
}

const isSuccess = ({ statusCode }: Answer) => statusCode === 200

const ownersOf = async (client: Client, contests: readonly Contest[]): Promise<Map<string, string[]>> => {
  const owned = new Map<string, string[]>()
  const tokens = contests.flatMap((contest) => contest.tokens)
  const profiles = await Promise.all(tokens.map(client.profile))
  for (const [index, profile] of profiles.entries()) {
    expect(profile).toMatchObject({ statusCode: 200 })
    const phone: string | undefined = profile.data.phone
    if (phone !== undefined && phone !== null) {
      owned.set(phone, [...(owned.get(phone) ?? []), tokens[index] ?? ''])
    }
  }
  return owned
}

/** Mulberry32: the same numbers for the same seed. */
const randomFrom = (start: number) => {
  let state = start
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
