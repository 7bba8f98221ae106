// The reference page of each method of the SDK, from the OpenAPI document and the tables that the SDK is made from.
import { callsOf } from '../sdk/tools/document.mjs'
import { wrappers } from '../sdk/tools/wrappers.mjs'
import { clientPage, clientPages } from './client-pages.mjs'
import { requestTable, responseTable, rowsOf, sampleOf } from './fields.mjs'
import { linkerOf } from './links.mjs'
import { fence, json, table } from './markdown.mjs'
import { programOf } from './sample-programs.mjs'

const operationOf = (document, { path, method }) => document.paths[path][method.toLowerCase()]

const includesUser = (alternative) => Object.keys(alternative).includes('user')
const includesClient = (alternative) => Object.keys(alternative).includes('client')

const access = ({ security = [] }) => {
  if (security.length === 0) return 'Open to anybody.'
  if (security.every(includesUser)) return 'Needs the access token of a signed-in user.'
  if (security.some(includesClient))
    return 'Needs an application, which proves itself with its secret unless it has none; nobody has to be signed in.'
  return 'Needs an application; nobody has to be signed in. The access token of a signed-in user is heeded where it is sent.'
}

const refusalsOf = ({ refusals }, apiCodes) => {
  if (refusals.length === 0) return 'None of its own.'
  return table(
    ['apiCode', 'statusCode', 'name', 'when'],
    refusals.map((name) => {
      const { apiCode, statusCode, cause } = apiCodes[name]
      return [apiCode ?? '–', statusCode, `[\`${name}\`](../api-codes.md#${name})`, cause]
    }),
  )
}

const page = (context, given) => {
  const { notice, link, apiCodes, document } = context
  const { method, call, summary, purpose, rows, program } = given
  const operation = operationOf(document, call)
  const { success } = operation.responses['200'].content['application/json'].examples
  return `${notice}

# \`${method}\`

${summary}.

${link(purpose)}

\`${call.method} ${call.path}\`. ${access(operation)}

## Request parameters

${rows.length === 0 ? 'None.' : requestTable(rows, link)}

## Sample program

${fence('js', program)}

## Response

${responseTable(call.reply, link)}

## Sample result

${json(success.value)}

## Refusals

${refusalsOf(call, apiCodes)}
`
}

const toValue = ({ schema, example }) =>
  ['boolean', 'integer'].includes(schema.type) && example !== undefined ? JSON.parse(example) : example

const parameterRows = ({ parameters, body }) => [
  ...parameters.map((parameter) => ({
    name: parameter.name,
    required: parameter.required === true,
    field: {
      ...parameter.schema,
      description: parameter.schema.description ?? parameter.description,
      examples: [toValue(parameter)],
    },
  })),
  ...rowsOf(body),
]

const needsUser = (operation) =>
  (operation.security ?? []).length > 0 && operation.security.every(includesUser)

const callPage = (context, call) => {
  const operation = operationOf(context.document, call)
  const [body] = Object.values(operation.requestBody?.content['application/json'].examples ?? {})
  const query = Object.fromEntries(call.parameters.map((parameter) => [parameter.name, toValue(parameter)]))
  return page(context, {
    method: call.id,
    call,
    summary: call.summary,
    purpose: call.description,
    rows: parameterRows(call),
    program: programOf(call.id, {
      example: body?.value ?? query,
      inPath: call.parameters.some((parameter) => parameter.in === 'path'),
      needsUser: needsUser(operation),
    }),
  })
}

/** The fields of one payload of the called body, and those that stand beside it. */
const wrapperRows = ({ payload, fields, also }, { body }) => {
  const inner = body.properties[payload].properties
  return [
    ...fields.map((field) => {
      const name = field.replace('?', '')
      return { name, required: !field.endsWith('?'), field: inner[name] }
    }),
    ...rowsOf(body).filter(({ name }) => also.includes(name.split('.')[0])),
  ]
}

const wrapperPage = (context, method) => {
  const row = wrappers[method]
  const call = context.calls.find(({ id }) => id === row.calls)
  const rows = wrapperRows(row, call)
  const own = rows.filter(({ name }) => row.fields.some((field) => field.replace('?', '') === name))
  const before = row.connection === 'PASSCODE' ? codeBefore(row) : (passwordWords[call.id] ?? '')
  return page(context, {
    method,
    call,
    summary: row.summary,
    purpose: `Calls [\`${call.id}\`](${call.id}.md) with \`connection: '${row.connection}'\`, and takes the fields of \`${row.payload}\` as its own. ${before}${gives[call.id]}`,
    rows,
    program: programOf(method, {
      example: Object.fromEntries(own.map(({ name, field }) => [name, sampleOf(field)])),
      inPath: false,
      needsUser: false,
    }),
  })
}

const codeBefore = ({ fields, calls }) => {
  const path = fields.includes('phone') ? 'send-sms' : 'send-email'
  return `Send the code first: ${path} with ${calls === 'signUp' ? 'CHANNEL_REGISTER' : 'CHANNEL_LOGIN'}. `
}

/** What a wrapper has to say of the call, which has a page of its own. */
const gives = {
  signInByCredentials:
    'Gives the tokens of a new session: hand `data.access_token` to [`setAccessToken`](setAccessToken.md).',
  signUp: 'Gives the user and no tokens: sign in next.',
}
const passwordWords = {
  signInByCredentials:
    'After a few wrong passwords a captcha is asked for (captcha_required): call it again with `options.captchaToken` and `options.captchaCode`. ',
}

const overview = (notice, groups) => `${notice}

# Methods

Every method of \`AuthenticationClient\`, by what it is about. Each page has a sample program: a whole module, to be
saved as \`sample.mjs\` and run with \`node sample.mjs\` where [the package](../../../sdk/README.md#install) is installed.
Programs of the published SDK differ in the import line alone:
\`import { AuthenticationClient } from 'authing-node-sdk'\`. It lacks \`receivePassCode\`, and what else it does otherwise
stands in [divergences](../../divergences.md).

What stands in capitals is yours to fill in: \`APP_ID\` and \`APP_SECRET\` are printed by the server at its first start,
\`ACCESS_TOKEN\` is \`data.access_token\` of a sign-in. A refusal has a \`statusCode\` other than 200, and an \`apiCode\`
that [refusals](../api-codes.md) explains.

${groups
  .map(
    ({ title, rows }) => `## ${title}

${table(
  ['method', 'call', 'what it does'],
  rows.map(({ method, how, summary }) => [`[\`${method}\`](${method}.md)`, how, summary]),
)}`,
  )
  .join('\n\n')}
`

const groupsOf = (document, calls, ownRows) => {
  const rows = calls.flatMap((call) => {
    const [tag] = operationOf(document, call).tags
    const how = `\`${call.method} ${call.path}\``
    const wrapped = Object.entries(wrappers).filter(([, row]) => row.calls === call.id)
    return [
      { tag, method: call.id, how, summary: call.summary },
      ...wrapped.map(([method, { summary }]) => ({ tag, method, how, summary })),
    ]
  })
  const own = Object.entries(ownRows).map(([method, { group, how, summary }]) => ({
    tag: group,
    method,
    how: how.match(/^`[^`]+`/)?.[0] ?? '–',
    summary,
  }))
  const all = [...rows, ...own]
  const titles = [...new Set([...document.tags.map(({ name }) => name), ...all.map(({ tag }) => tag)])]
  return titles
    .map((title) => ({ title, rows: all.filter(({ tag }) => tag === title) }))
    .filter(({ rows: held }) => held.length > 0)
}

/** The pages by their file names below docs/reference. */
export const callPages = (document, { notice, apiCodes }) => {
  const calls = callsOf(document)
  const context = { notice, apiCodes, document, calls, link: linkerOf(calls, apiCodes) }
  const own = clientPages((path, method) => {
    const reply = document.paths[path][method].responses['200'].content['application/json']
    return {
      schema: reply.schema.anyOf?.find(({ title }) => title === 'Success') ?? reply.schema,
      sample: reply.examples.success.value,
    }
  })
  return Object.fromEntries(
    [
      ['README', overview(notice, groupsOf(document, calls, own))],
      ...calls.map((call) => [call.id, callPage(context, call)]),
      ...Object.keys(wrappers).map((method) => [method, wrapperPage(context, method)]),
      ...Object.entries(own).map(([method, row]) => [method, clientPage(notice, method, row)]),
    ].map(([name, text]) => [`sdk/${name}.md`, text]),
  )
}
