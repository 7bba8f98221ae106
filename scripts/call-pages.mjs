// The reference page of each call of the V3 API, from the OpenAPI document: one method of the SDK, one page.
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ')
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
const json = (value) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``

const typeOf = (schema) => {
  if (schema.enum !== undefined) return 'string'
  if (schema.type === 'array') return `${typeOf(schema.items ?? {})}[]`
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  return schema.type ?? 'any'
}

const meaningOf = (schema) => {
  const values = schema.enum ?? schema.items?.enum
  return [schema.description, values && `One of ${values.map(code).join(', ')}.`].filter(Boolean).join(' ')
}

const sampleOf = ({ examples: [sample] = [], enum: [first] = [] }) => sample ?? first

/** One row a field, those of objects below their object: `passCodePayload.phone`. */
const rowsOf = (schema, path = '') =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.type === 'array' ? (field.items ?? {}) : field
    const below = `${path}${name}${field.type === 'array' ? '[]' : ''}.`
    return [{ name: `${path}${name}`, field, required: schema.required?.includes(name) === true }].concat(
      inner.properties === undefined ? [] : rowsOf(inner, below),
    )
  })

const requestRow = ({ name, field, required }) => [
  code(name),
  typeOf(field),
  required ? 'yes' : 'no',
  field.default === undefined ? '–' : code(field.default),
  meaningOf(field),
  sampleOf(field) === undefined ? '' : code(sampleOf(field)),
]

const requestTable = (rows) =>
  table(['field', 'type', 'required', 'default', 'meaning', 'sample'], rows.map(requestRow))

const access = ({ security = [] }) => {
  const names = security.flatMap((one) => Object.keys(one))
  if (names.includes('user')) return 'Needs the access token of a signed-in user.'
  return names.includes('application')
    ? 'Needs an application; nobody has to be signed in.'
    : 'Open to anybody.'
}

const requestOf = ({ parameters = [], requestBody }) => {
  const query = parameters.map(({ name, required, schema, description }) => ({
    name,
    required: required === true,
    field: { ...schema, description: schema.description ?? description },
  }))
  const content = requestBody?.content?.['application/json']
  const body = content === undefined ? [] : rowsOf(content.schema)
  const sample = Object.values(content?.examples ?? {})[0]?.value
  if (query.length + body.length === 0) return 'None.'
  return [
    ...(query.length === 0 ? [] : [`In the query:\n\n${requestTable(query)}`]),
    ...(body.length === 0 ? [] : [`In the body, as JSON:\n\n${requestTable(body)}`]),
    ...(sample === undefined ? [] : [json(sample)]),
  ].join('\n\n')
}

const replyOf = ({ responses }) => {
  const content = responses['200']?.content?.['application/json']
  if (content === undefined) return 'None.'
  const schema = content.schema.anyOf?.find(({ title }) => title === 'Success') ?? content.schema
  const rows = rowsOf(schema).map(({ name, field, required }) => [
    code(name),
    typeOf(field),
    required ? 'always' : 'where there is one',
    meaningOf(field),
  ])
  const sample = content.examples?.success?.value
  return [
    table(['field', 'type', 'there', 'meaning'], rows),
    ...(sample === undefined ? [] : [json(sample)]),
  ].join('\n\n')
}

const refusalsOf = ({ responses }, apiCodes) => {
  const examples = Object.keys(responses['200']?.content?.['application/json']?.examples ?? {})
  const names = examples.filter((name) => apiCodes[name] !== undefined)
  if (names.length === 0) return 'None of its own.'
  return table(
    ['apiCode', 'statusCode', 'name', 'when'],
    names.map((name) => {
      const { apiCode, statusCode, cause } = apiCodes[name]
      return [apiCode ?? '–', statusCode, `[\`${name}\`](../api-codes.md#${name})`, cause]
    }),
  )
}

const page = (notice, { path, method, operation }, apiCodes) => `${notice}

# \`${operation.operationId}\`

${operation.summary}. \`${method.toUpperCase()} ${path}\`. ${access(operation)}

${(operation.description ?? '').split('\n\n| statusCode')[0]}

## Request

${requestOf(operation)}

## Reply

${replyOf(operation)}

## Refusals

${refusalsOf(operation, apiCodes)}
`

const overview = (notice, calls) => {
  const tags = [...new Set(calls.map(({ operation }) => operation.tags[0]))]
  const sections = tags.map((tag) => {
    const rows = calls
      .filter(({ operation }) => operation.tags[0] === tag)
      .map(({ path, method, operation }) => [
        `[\`${operation.operationId}\`](${operation.operationId}.md)`,
        `\`${method.toUpperCase()} ${path}\``,
        operation.summary,
      ])
    return `## ${tag}\n\n${table(['method', 'call', 'what it does'], rows)}`
  })
  return `${notice}

# Calls

Every call of the V3 API that this server serves, by the name of its method in the SDKs.

${sections.join('\n\n')}
`
}

/** The pages by their file names below docs/reference. */
export const callPages = (document, { notice, apiCodes }) => {
  const calls = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  const ofV3 = calls.filter(({ path }) => path.startsWith('/api/v3/'))
  return Object.fromEntries([
    ['sdk/README.md', overview(notice, ofV3)],
    ...ofV3.map((call) => [`sdk/${call.operation.operationId}.md`, page(notice, call, apiCodes)]),
  ])
}
