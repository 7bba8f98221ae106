import { describe, expect, it } from 'vitest'
import { apiCodes } from '../../src/api-codes.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

type Operation = {
  operationId?: string
  tags?: string[]
  requestBody?: { content: Record<string, { examples?: Record<string, { value: object }> }> }
  responses: Record<string, { content: Record<string, { examples?: Record<string, object> }> }>
}
type Document = {
  servers: { url: string }[]
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
}

const readDocument = async (app: TestApp): Promise<Document> =>
  (await (await fetch(`${app.url}/openapi.json`)).json()) as Document

const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('the OpenAPI document', () => {
  it('names every operation once, under a tag that says what it holds', async () => {
    await using app = await startTestApp()

    const document = await readDocument(app)

    const operations = operationsOf(document).map(({ operation }) => operation)
    const ids = operations.map(({ operationId }) => operationId)
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(ids.length)
    const tags = document.tags.map(({ name }) => name)
    for (const { tags: used = [] } of operations) expect(tags).toEqual(expect.arrayContaining(used))
  })

  it('gives example bodies that the server takes as valid', async () => {
    await using app = await startTestApp({ DIALTONE_MESSAGE_COOLDOWN_SECONDS: '0' })
    const document = await readDocument(app)
    const { token } = await app.signUp()

    const refused: string[] = []
    for (const { path, operation } of operationsOf(document)) {
      const examples = operation.requestBody?.content['application/json']?.examples ?? {}
      if (operation.requestBody !== undefined && Object.keys(examples).length === 0) refused.push(path)
      for (const { value } of Object.values(examples)) {
        const reply = await app.post(path, value, { token })
        if (reply.apiCode === apiCodes.request_invalid.apiCode)
          refused.push(`${path}: ${JSON.stringify(reply)}`)
      }
    }

    expect(refused).toEqual([])
  })

  it('shows each refusal of a call beside its success', async () => {
    await using app = await startTestApp()

    const { paths } = await readDocument(app)

    const examples =
      paths['/api/v3/bind-phone']?.['post']?.responses['200']?.content['application/json']?.examples ?? {}
    expect(Object.keys(examples)[0]).toBe('success')
    expect(examples['passcode_incorrect']).toMatchObject({
      summary: '499 / 2001: passcode_incorrect',
      value: { statusCode: 499, apiCode: 2001, message: apiCodes.passcode_incorrect.en },
    })
  })

  it('leads calls to the host that it was read from, below the path of the public URL', async () => {
    await using plain = await startTestApp()
    await using below = await startTestApp({ DIALTONE_PUBLIC_URL: 'https://id.example.com/auth' })

    expect((await readDocument(plain)).servers).toMatchObject([{ url: '/' }])
    expect((await readDocument(below)).servers).toMatchObject([{ url: '/auth' }])
  })
})
