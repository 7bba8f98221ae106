import { type Static, Type } from 'typebox'
import type { Configuration } from '../configuration/configuration.ts'
import type { Http } from '../core/http.ts'
import { amountOf, microsOf } from '../core/money.ts'
import { unlimited } from '../limits.ts'
import type { Messages } from '../messages/messages.ts'
import { type Guard, GuardPolicy, TestNumber, type TestNumbers } from './guard.ts'

const tags = ['Console: SMS']
const own = unlimited('needs an administrator')
const daySeconds = 86_400

const { allowedRegions, lookup } = GuardPolicy.properties

/** A field that is null counts as absent in every body, so that the two which may be null may be absent too. */
const PolicyBody = Type.Object(
  { ...GuardPolicy.properties, allowedRegions: Type.Optional(allowedRegions), lookup: Type.Optional(lookup) },
  { additionalProperties: false },
)

const time = (description: string) =>
  Type.String({ description: `${description} ISO 8601, UTC.`, examples: ['2026-03-02T09:30:00.000Z'] })

const Rate = Type.Object({
  key: Type.String({
    description: '`range:` with 10,000 numbers, `operator:`, `region:`, or `provider:` with a region.',
    examples: ['operator:+8618'],
  }),
  sent: Type.Number({ description: 'Messages; each counts half after six hours.', examples: [120.5] }),
  verified: Type.Number({ description: 'Codes that came back.', examples: [98.2] }),
  rate: Type.Number({
    description:
      'The share of codes that came back, as if ten more had been sent and five of them come back.',
    examples: [0.79],
  }),
  verdict: Type.Optional(
    Type.Enum(['open', 'challenged', 'blocked'], {
      description: 'What the policy makes of it; absent for a provider, whose rate only orders routes.',
      examples: ['open'],
    }),
  ),
})

const Window = Type.Object({
  limit: Type.String({ examples: ['100'] }),
  used: Type.String({ examples: ['12.3405'] }),
  resetsAt: Type.Optional(
    time('When the first of what was counted is forgotten; absent: nothing is counted.'),
  ),
})

const Spending = Type.Object({
  budget: Type.Object({
    currency: Type.String({ examples: ['USD'] }),
    hour: Window,
    day: Window,
  }),
  messages: Type.Array(
    Type.Object({
      currency: Type.String({ examples: ['USD'] }),
      hour: Type.String({ examples: ['11.2'] }),
      day: Type.String({ examples: ['80.75'] }),
    }),
    {
      description:
        'What messages of the last hour and day cost, as providers told it, else as it was assumed.',
    },
  ),
})

const TestNumberReply = Type.Object({
  ...TestNumber.properties,
  inForce: Type.Boolean({
    description: 'Whether it has its code now: its time is not over, and DIALTONE_TEST_NUMBERS is on.',
  }),
})
const TestNumberList = Type.Object({ testNumbers: Type.Array(TestNumberReply) })

const Phone = Type.Object({
  phone: Type.String({ maxLength: 40, description: 'E.164.', examples: ['+8618800000001'] }),
})

type Deps = {
  guard: Guard
  testNumbers: TestNumbers
  messages: Messages
  configuration: Configuration
  clock: { now(): Date }
}

export const guardRoutes = (http: Http, deps: Deps): void => {
  policyRoutes(http, deps)
  figureRoutes(http, deps)
  testNumberRoutes(http, deps)
}

const policyRoutes = (http: Http, { guard, configuration }: Deps): void => {
  http.get(
    '/console/api/sms/guard',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleGetSmsGuard',
        tags,
        summary: 'The policy of the guard',
        response: { 200: GuardPolicy },
      },
    },
    ({ administrator }) => guard.storedPolicy(administrator.poolId),
  )

  http.put(
    '/console/api/sms/guard',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consolePutSmsGuard',
        tags,
        summary: 'Set the policy of the guard',
        description: 'The whole policy. Other processes follow it within five seconds.',
        body: PolicyBody,
        response: { 200: GuardPolicy },
      },
    },
    async ({ administrator, body, clientIp: ip }) => {
      const { poolId } = administrator
      const policy = { ...body, allowedRegions: body.allowedRegions ?? null, lookup: body.lookup ?? null }
      await configuration.putPolicy({ poolId, administrator, ip }, policy)
      return guard.storedPolicy(poolId)
    },
  )
}

const figureRoutes = (http: Http, { guard, messages }: Deps): void => {
  http.get(
    '/console/api/sms/guard/conversions',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListSmsConversions',
        tags,
        summary: 'Which codes come back',
        description:
          'The 500 busiest ranges, operators, countries and providers, those with most messages first.',
        response: { 200: Type.Object({ conversions: Type.Array(Rate) }) },
      },
    },
    async ({ administrator }) => {
      const rates = await guard.listRates(administrator.poolId)
      return { conversions: rates.map(({ verdict, ...rate }) => ({ ...rate, ...(verdict && { verdict }) })) }
    },
  )

  http.get(
    '/console/api/sms/guard/spending',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleGetSmsSpending',
        tags,
        summary: 'What messages cost',
        description: 'What of the budget is used, and what the messages cost in truth.',
        response: { 200: Spending },
      },
    },
    async ({ administrator: { poolId } }) => {
      const { budget, hour, day } = await guard.spending(poolId)
      return {
        budget: {
          currency: budget.currency,
          hour: toWindow(budget.perHour, hour),
          day: toWindow(budget.perDay, day),
        },
        messages: toSpending(
          await messages.spending(poolId, 3600),
          await messages.spending(poolId, daySeconds),
        ),
      }
    },
  )
}

const toWindow = (
  limit: string,
  { usedMicros, resetsAt }: { usedMicros: number; resetsAt: Date | undefined },
): Static<typeof Window> => ({
  limit: amountOf(microsOf(limit)),
  used: amountOf(usedMicros),
  ...(resetsAt && { resetsAt: resetsAt.toISOString() }),
})

type Spent = Awaited<ReturnType<Messages['spending']>>

const toSpending = (hour: Spent, day: Spent) =>
  day.map(({ currency, micros }) => ({
    currency,
    hour: amountOf(Number(hour.find((row) => row.currency === currency)?.micros ?? 0)),
    day: amountOf(Number(micros)),
  }))

const testNumberRoutes = (http: Http, { testNumbers, configuration, clock }: Deps): void => {
  const show = async (poolId: string) => ({
    testNumbers: (await testNumbers.list(poolId)).map((number) => ({
      ...number,
      inForce: testNumbers.isOn && new Date(number.expiresAt) > clock.now(),
    })),
  })

  http.get(
    '/console/api/sms/test-numbers',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consoleListTestNumbers',
        tags,
        summary: 'Numbers with a fixed code',
        description: 'They never get a message. For trying things out, and for app reviewers.',
        response: { 200: TestNumberList },
      },
    },
    ({ administrator }) => show(administrator.poolId),
  )

  http.put(
    '/console/api/sms/test-numbers/:phone',
    {
      config: { access: 'administrator', limit: own },
      schema: {
        operationId: 'consolePutTestNumber',
        tags,
        summary: 'Give a number a fixed code',
        params: Phone,
        body: Type.Object(
          { code: TestNumber.properties.code, expiresAt: TestNumber.properties.expiresAt },
          { additionalProperties: false },
        ),
        response: { 200: TestNumberList },
      },
    },
    async ({ administrator, params, body, clientIp: ip }) => {
      const { poolId } = administrator
      await configuration.putTestNumber({ poolId, administrator, ip }, { phone: params.phone, ...body })
      return show(poolId)
    },
  )

  http.delete(
    '/console/api/sms/test-numbers/:phone',
    {
      config: { access: 'administrator', limit: own, refusals: ['record_not_found'] },
      schema: {
        operationId: 'consoleRemoveTestNumber',
        tags,
        summary: 'Take the fixed code from a number',
        params: Phone,
        response: { 200: Type.Object({}) },
      },
    },
    async ({ administrator, params, clientIp: ip }) => {
      await configuration.removeTestNumber({ poolId: administrator.poolId, administrator, ip }, params.phone)
      return {}
    },
  )
}
