import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Reply, startTestApp } from '../support/app.ts'
import { type Call, type Model, step } from './model.ts'
import { anyConcurrentOperation, anyStory, type Operation } from './operations.ts'
import { settle } from './settle.ts'
import {
  expectedSight,
  keep,
  look,
  modelSettings,
  newWorld,
  perform,
  readCode,
  type Seen,
  stopClock,
  type World,
} from './world.ts'

/** Another one for once: MODEL_SEED=7 npx vitest run … */
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_122)
const runs = 40
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
const comparable = ({ users, sessions, challenges }: Seen) => ({
  users,
  challenges,
  sessions: sessions.map(({ user, live }) => `${user} ${live}`).toSorted(),
})

/** The calls one after the other in the model: the replies, in the order of the batch, and the state. */
const inOrder = (model: Model, calls: readonly RealCall[], order: readonly number[]) => {
  const tried = structuredClone(model)
  const replies: number[] = []
  for (const index of order) {
    const call = calls[index]
    if (call !== undefined) replies[index] = step(tried, call).code
  }
  return { tried, order, replies }
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
  const explains = ordersOf(calls.length)
    .map((order) => inOrder(model, calls, order))
    .some(
      ({ tried, replies: predicted }) =>
        predicted.join() === given.join() &&
        JSON.stringify(sorted(comparable(expectedSight(tried)))) === JSON.stringify(sorted(seen)),
    )
  expect(explains, unexplained(model, calls, { given, seen })).toBe(true)
}

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
  it(`are as if they had come one after the other (seed ${seed})`, { timeout: 300_000 }, async () => {
    await using started = await startTestApp(modelSettings)
    const app = stopClock(started)
    const prelude = fc.array(anyStory, { maxLength: 6, size: 'max' })
    const batch = fc.array(anyConcurrentOperation, { minLength: 2, maxLength: 4, size: 'max' })

    const until = performance.now() + budgetMs
    const property = fc.asyncProperty(prelude, batch, async (stories, operations) => {
      // A slow machine does fewer runs.
      if (performance.now() > until) return
      const { model, world } = await newWorld(app)
      for (const operation of stories.flat()) await doAlone(model, world, operation)
      await doAtOnce(model, world, operations)
    })

    // On a failure fast-check prints the seed, and the test the batch.
    await fc.assert(property, { seed, numRuns: runs })
  })
})
