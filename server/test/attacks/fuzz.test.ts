import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startTestApp } from '../support/app.ts'

type Schema = {
  type?: string
  enum?: readonly string[]
  examples?: readonly unknown[]
  properties?: Record<string, Schema>
}

type Operation = {
  parameters?: readonly { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** Any UTF-16, lone surrogates and NUL included. */
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
})
const anyValue = fc.oneof(fc.jsonValue({ maxDepth: 3 }), anyText, fc.constantFrom(null, -0, 1e308, [], {}))

/** What the schema asks for, nearly what it asks for, or something else. */
const valueFor = (schema: Schema): fc.Arbitrary<unknown> => {
  const fitting: fc.Arbitrary<unknown>[] = []
  if (schema.enum !== undefined) fitting.push(fc.constantFrom(...schema.enum))
  if (schema.examples !== undefined) fitting.push(fc.constantFrom(...schema.examples))
  if (schema.type === 'string') fitting.push(anyText, fc.stringMatching(/^[\w@.+-]{0,12}$/))
  if (schema.type === 'boolean') fitting.push(fc.boolean())
  if (schema.type === 'object') fitting.push(objectOf(schema), objectOf(schema))
  return fc.oneof(...fitting, ...fitting, anyValue)
}

const objectOf = ({ properties = {} }: Schema): fc.Arbitrary<unknown> => {
  const fields = Object.entries(properties).map(([name, schema]) => [name, valueFor(schema)] as const)
  return fields.length === 0
    ? fc.dictionary(anyText, anyValue, { maxKeys: 4 })
    : fc.record(Object.fromEntries(fields), { requiredKeys: [] })
}

const requestOf = (operation: Operation, known: { appId: string; token: string }) => {
  const schema = operation.requestBody?.content['application/json']?.schema
  const names = (operation.parameters ?? []).filter((given) => given.in === 'query').map(({ name }) => name)
  const header = fc.stringMatching(/^[ -~]{0,40}$/)
  return fc.record({
    body:
      schema === undefined ? fc.constant(undefined) : fc.oneof(objectOf(schema), objectOf(schema), anyValue),
    path: fc.string({ unit: 'binary', minLength: 1 }),
    query: fc.dictionary(fc.constantFrom('client_id', 'x', ...names), fc.string({ unit: 'binary' })),
    headers: fc.record({
      'x-authing-app-id': fc.oneof(fc.constant(known.appId), fc.constant(known.appId), header),
      authorization: fc.oneof(fc.constant(known.token), fc.constant(known.token), header),
      'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8'),
      'x-authing-lang': fc.constantFrom('zh-CN', 'en-US', 'xx'),
      'x-real-ip': header,
    }),
  })
}

describe('any request at all', () => {
  it('is answered without a fault of ours, on the V3 API always in the envelope', async () => {
    await using app = await startTestApp()
    const { token } = await app.signUp()
    const document = (await app.get('/openapi.json')) as unknown as {
      paths: Record<string, Record<string, Operation>>
    }
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    expect(operations.length).toBeGreaterThan(15)

    for (const { path, method, operation } of operations) {
      const requests = requestOf(operation, { appId: app.application.id, token })
      const property = fc.asyncProperty(requests, async ({ body, query, headers, path: part }) => {
        const filled = path.replace(/\{\w+\}/, encodeURIComponent(part))
        const response = await fetch(`${app.url}${filled}?${new URLSearchParams(query)}`, {
          method: method.toUpperCase(),
          headers: body === undefined ? { ...headers, 'content-type': 'text/plain' } : headers,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const reply = (await response.json()) as Record<string, unknown>

        expect(response.status).toBeLessThan(500)
        expect(reply['statusCode']).not.toBe(500)
        if (path.startsWith('/api/v3/') && path !== '/api/v3/system') {
          expect(reply).toMatchObject({
            statusCode: expect.any(Number),
            message: expect.any(String),
            requestId: expect.any(String),
          })
        }
      })
      await fc.assert(property, { seed: 20_261_122, numRuns: 25 })
    }
  })
})
