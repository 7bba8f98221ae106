import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Reply, startTestApp } from '../support/app.ts'
import { type Call, type Challenge, type Model, step } from './model.ts'
import { anyConcurrentOperation, anyStory, type Operation } from './operations.ts'
import { settle } from './settle.ts'
import {
  codesOfNow,
  expectedSight,
  keep,
  look,
  modelSettings,
  newWorld,
  perform,
  readCode,
  type Sight,
  type World,
} from './world.ts'

/** Another one for once: MODEL_SEED=7 npx vitest run … */
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_122)
const runs = 40
/** Also on the slowest machine. */
const fewestRuns = 3
const budgetMs = 15_000

type RealCall = Exclude<Call, { do: 'wait' }>

const codeOf = ({ apiCode, statusCode }: Reply): number => apiCode ?? statusCode

const ordersOf = (count: number): number[][] =>
  count === 0
    ? [[]]
    : ordersOf(count - 1).flatMap((order) =>
        Array.from({ length: count }, (_, place) => order.toSpliced(place, 0, count - 1)),
      )

/** The state without the numbers that sessions have: at once they may begin in any order. */
const comparable = ({ users, sessions, challenges }: Sight) => ({
  users,
  challenges,
  sessions: sessions.map(({ user, live }) => `${user} ${live}`).toSorted(),
})

/** The calls one after the other in the model: the replies, in the order of the batch, and the state. */
const inOrder = (model: Model, calls: readonly RealCall[], order: readonly number[]) => {
  const tried = structuredClone(model)
  const replies: number[] = []
  const told: Challenge[] = []
  for (const index of order) {
    const call = calls[index]
    if (call === undefined) continue
    const { code, told: key } = step(tried, call)
    replies[index] = code
    const challenge = key === undefined ? undefined : tried.challenges[key]
    if (challenge !== undefined) told.push(challenge)
  }
  return { tried, order, replies, told }
}

const doAlone = async (model: Model, world: World, operation: Operation): Promise<void> => {
  const call = settle(model, operation)
  const { told } = step(model, call)
  if (call.do === 'wait') world.app.clock.advance(call.seconds)
  else keep(world, call, await perform(world, call))
  const challenge = told === undefined ? undefined : model.challenges[told]
  if (challenge !== undefined) await readCode(world, challenge)
  // The newest message is known by its time.
  model.now += 1000
  world.app.clock.advance(1)
}

/** Whether some order of the calls, one after the other, explains what all of them gave and led to. */
const doAtOnce = async (model: Model, world: World, operations: readonly Operation[]): Promise<void> => {
  const calls = operations
    .map((operation) => settle(model, operation))
    .filter((call): call is RealCall => call.do !== 'wait')
  const replies = await Promise.all(calls.map((call) => perform(world, call)))
  // Sessions and tokens that began at once get their numbers in the order of the batch, as in every order of the model.
  for (const [index, reply] of replies.entries()) {
    const call = calls[index]
    if (call !== undefined) keep(world, call, reply)
  }
  const given = replies.map(codeOf)
  const seen = comparable(await look(world))
  const explained = ordersOf(calls.length)
    .map((order) => inOrder(model, calls, order))
    .find(
      ({ tried, replies: predicted }) =>
        predicted.join() === given.join() &&
        JSON.stringify(sorted(comparable(expectedSight(tried)))) === JSON.stringify(sorted(seen)),
    )
  expect(explained, unexplained(model, calls, { given, seen })).toBeDefined()
  for (const challenge of explained?.told ?? []) {
    const codes = await codesOfNow(world, challenge)
    const sent = explained?.told.filter((one) => isSameWay(one, challenge))
    expect(codes, 'a message for each that was sent').toHaveLength(sent?.length ?? 0)
    // Rule 4.
    if (challenge.code !== null) expect(codes, 'a resend carries the same code').toContain(challenge.code)
  }
}

const isSameWay = (one: Challenge, other: Challenge): boolean =>
  one.phone === other.phone && one.purpose === other.purpose

const sorted = (of: ReturnType<typeof comparable>) => ({
  ...of,
  challenges: Object.entries(of.challenges).toSorted(([a], [b]) => (a < b ? -1 : 1)),
})

const unexplained = (
  model: Model,
  calls: readonly RealCall[],
  got: { given: number[]; seen: ReturnType<typeof comparable> },
): string =>
  [
    'no order of these calls explains their replies and the state after them:',
    ...calls.map((call, index) => `  ${JSON.stringify(call)} → ${got.given[index]}`),
    `before: ${JSON.stringify(model)}`,
    `after: ${JSON.stringify(got.seen)}`,
    'in order they would give:',
    ...ordersOf(calls.length).map((order) => {
      const { replies, tried } = inOrder(model, calls, order)
      return `  ${order.join(', ')}: ${replies.join(', ')} ${JSON.stringify(comparable(expectedSight(tried)))}`
    }),
  ].join('\n')

describe('calls at the same instant', () => {
  it(`are as if they had come one after the other (seed ${seed})`, { timeout: 300_000 }, async ({
    annotate,
  }) => {
    await using app = await startTestApp(modelSettings)
    app.clock.stop()
    const prelude = fc.array(anyStory, { maxLength: 6, size: 'max' })
    // Of half of them the first is made twice.
    const batch = fc
      .tuple(fc.array(anyConcurrentOperation, { minLength: 2, maxLength: 3, size: 'max' }), fc.boolean())
      .map(([operations, again]) => (again ? [...operations, ...operations.slice(0, 1)] : operations))
    const done = { runs: 0, calls: 0 }

    const until = performance.now() + budgetMs
    const property = fc.asyncProperty(prelude, batch, async (stories, operations) => {
      // A slow machine does fewer runs.
      if (done.runs >= fewestRuns && performance.now() > until) return
      const { model, world } = await newWorld(app)
      for (const operation of stories.flat()) await doAlone(model, world, operation)
      await doAtOnce(model, world, operations)
      done.runs += 1
      done.calls += operations.length
    })

    // On a failure fast-check prints the seed, and the test the batch.
    await fc.assert(property, { seed, numRuns: runs })
    await annotate(`seed ${seed}: ${done.runs} batches, ${done.calls} calls at once`)
    expect(done.runs).toBeGreaterThanOrEqual(fewestRuns)
  })
})
