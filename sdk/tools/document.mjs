// The part of the server's OpenAPI document that the SDK is made from: the V3 calls, each with its successful reply alone.
import { readFileSync } from 'node:fs'

const httpMethods = ['get', 'post', 'put', 'patch', 'delete']

/** What GenAuth's clients send as text in a query, and its SDK takes as a value. */
const queryValue = (schema, example) => {
  if (schema.enum?.includes('true')) return { type: 'boolean' }
  return /^\d+$/.test(example ?? '') ? { type: 'integer' } : schema
}

const succeeded = (schema) => schema.anyOf?.find(({ title }) => title === 'Success') ?? schema

const withoutRefusals = (description = '') => description.split(/(?:^|\n\n)\| statusCode/)[0]

const toCall = (path, method, operation) => {
  const reply = operation.responses['200'].content['application/json']
  return {
    path,
    method: method.toUpperCase(),
    id: operation.operationId,
    summary: operation.summary,
    description: withoutRefusals(operation.description),
    parameters: (operation.parameters ?? []).map((parameter) => ({
      ...parameter,
      schema: queryValue(parameter.schema, parameter.example),
    })),
    body: operation.requestBody?.content['application/json']?.schema,
    reply: succeeded(reply.schema),
    /** Replies of the V3 API are enveloped, all but one. */
    isBare: succeeded(reply.schema).properties?.statusCode === undefined,
    refusals: Object.keys(reply.examples ?? {}).filter((name) => name !== 'success'),
  }
}

export const callsOf = (document) =>
  Object.entries(document.paths)
    .filter(([path]) => path.startsWith('/api/v3/'))
    .flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([method]) => httpMethods.includes(method))
        .map(([method, operation]) => toCall(path, method, operation)),
    )

export const readCalls = () =>
  callsOf(JSON.parse(readFileSync(new URL('../../server/openapi.json', import.meta.url), 'utf8')))

const content = (schema) => ({ 'application/json': { schema } })

/** An OpenAPI document of the calls, for the generator of types. */
export const documentOf = (calls) => {
  const paths = {}
  for (const { path, method, id, parameters, body, reply } of calls) {
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = {
      operationId: id,
      parameters,
      ...(body === undefined ? {} : { requestBody: { required: true, content: content(body) } }),
      responses: { 200: { description: 'Success', content: content(reply) } },
    }
  }
  return { openapi: '3.1.0', info: { title: 'Dialtone', version: '1' }, paths }
}
