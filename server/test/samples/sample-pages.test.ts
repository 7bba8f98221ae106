// Every page of the reference keeps its word: its program runs as it stands there, and prints what the page says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newPhone, startTestApp, type TestApp } from '../support/app.ts'
import { differences, fenced, pageNames, responseOf, sectionOf, tableOf } from './page.ts'
import { preparations, type Stage } from './preparations.ts'
import { runProgram } from './run.ts'

/** Pages run side by side, as many as there are servers; those of one server, one after the other. */
const lanes: { app: TestApp; turn: Promise<unknown> }[] = []

beforeAll(async () => {
  for (let count = 0; count < 2; count += 1)
    lanes.push({ app: await startTestApp(), turn: Promise.resolve() })
})

afterAll(async () => {
  for (const { app } of lanes) await app[Symbol.asyncDispose]()
})

const inTurn = async <Result>(index: number, work: (app: TestApp) => Promise<Result>): Promise<Result> => {
  const lane = lanes[index % lanes.length]
  if (lane === undefined) throw new Error('no server was started')
  const result = lane.turn.then(() => work(lane.app))
  lane.turn = result.catch(() => undefined)
  return result
}

const stageOf = (app: TestApp, index: number): Stage => ({
  app,
  username: `ada-${index}`,
  phone: newPhone(),
  newPhone: newPhone(),
  email: `ada-${index}@example.com`,
  newEmail: `lovelace-${index}@example.com`,
})

const quoted = (text: string) => `'${text}'`

/** Of every page: the placeholders, and the samples that name a person. */
const commonValues = ({ app, ...person }: Stage): Record<string, string> => ({
  APP_ID: app.application.id,
  APP_SECRET: app.application.secret.reveal(),
  'http://localhost:3000': app.url,
  ada: person.username,
  '18812345678': person.phone,
  '18887654321': person.newPhone,
  'ada@example.com': person.email,
  'lovelace@example.com': person.newEmail,
})

const fill = (program: string, values: Record<string, string>): string =>
  Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(quoted(name), quoted(value)),
    program,
  )

/** What a reader would still have to fill in: words in capitals that the page does not name as a value, and codes. */
const left = (method: string, program: string): string[] => {
  const values = sectionOf(method, 'Request parameters').matchAll(/One of (.*?)\.|`verifyMethod`.*/g)
  const known = [...values].flatMap(([text]) => [...text.matchAll(/`(\w+)`/g)].map(([, word]) => word))
  return [...program.matchAll(/'([A-Z][A-Z\d_]*|123456|654321)'/g)].flatMap(([, word = '']) =>
    known.includes(word) ? [] : [word],
  )
}

/** All that a client has, but for what its classes keep to themselves. */
const methodsProgram = `
import { AuthenticationClient } from '@dialtone/sdk'
const inherited = Object.getPrototypeOf(AuthenticationClient.prototype)
const names = [AuthenticationClient.prototype, inherited].flatMap(Object.getOwnPropertyNames)
const inner = ['constructor', 'call', 'callBare', 'client']
console.log(JSON.stringify([...new Set(names)].filter((name) => !inner.includes(name))))
`

const sampleResult = (method: string): unknown => JSON.parse(fenced(sectionOf(method, 'Sample result')))

/** A page may say of further fields in words, beside its table. */
const wrongFields = (method: string, value: unknown): string[] => {
  const isOpen = sectionOf(method, 'Response').includes('Beside them')
  return differences(responseOf(method) ?? [], value).filter((text) => !isOpen || text.endsWith('is missing'))
}

describe('the pages of the reference', () => {
  it('are those of the methods of the client, and of receivePassCode', async () => {
    const methods: string[] = JSON.parse(await runProgram(methodsProgram))

    expect([...methods, 'receivePassCode'].sort()).toEqual([...pageNames].sort())
  })

  it('have a preparation each', () => {
    expect(Object.keys(preparations).sort()).toEqual([...pageNames].sort())
  })

  it.each(pageNames)('tell the meaning of every parameter and field: %s', (method) => {
    const parameters = tableOf(sectionOf(method, 'Request parameters'))
    const fields = tableOf(sectionOf(method, 'Response'))

    const untold = [...parameters.map((row) => [row[0], row[4]]), ...fields.map((row) => [row[0], row[3]])]
      .filter(([, meaning]) => meaning === '')
      .map(([name]) => name)

    expect(untold).toEqual([])
  })

  it.each(pageNames)('give a sample of every parameter that is one value, and heeded: %s', (method) => {
    const parameters = tableOf(sectionOf(method, 'Request parameters'))

    const without = parameters
      .filter(([, type, , , meaning = '', sample]) => {
        const isHeeded = !/ignored/i.test(meaning)
        return type !== 'object' && isHeeded && sample === '–'
      })
      .map(([name]) => name)

    expect(without).toEqual([])
  })

  it.each(pageNames)('show a result that has the fields of the table: %s', (method) => {
    const result = sampleResult(method)

    const wrong = wrongFields(method, result)

    expect(wrong).toEqual([])
  })

  it.concurrent.each(pageNames.map((method, index) => ({ method, index })))(
    'have a program that runs: $method',
    ({ method, index }) =>
      inTurn(index, async (app) => {
        const stage = stageOf(app, index)
        const { filled = {}, shows = {}, around } = (await preparations[method]?.(stage)) ?? {}
        const program = fenced(sectionOf(method, 'Sample program'))
        const ready = fill(fill(program, filled), commonValues(stage))

        const printed: unknown = JSON.parse(await runProgram(ready, around))

        expect(Object.keys(filled).filter((name) => !program.includes(quoted(name)))).toEqual([])
        expect(left(method, ready)).toEqual([])
        expectAsOnPage(method, printed, shows)
      }),
  )
})

const expectAsOnPage = (method: string, printed: unknown, shows: object): void => {
  const sample = sampleResult(method)
  if (typeof sample !== 'object' || sample === null) {
    expect(printed).toEqual(sample)
    return
  }
  expect(printed).toMatchObject('statusCode' in sample ? { statusCode: 200, ...shows } : shows)
  expect(wrongFields(method, printed)).toEqual([])
}
