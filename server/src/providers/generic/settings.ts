// What an administrator sets for a gateway that no other kind speaks to.
import { type Static, Type } from 'typebox'
import { type FailureReason, failures } from '../failures.ts'
import { JsonPath, Place } from './reply.ts'
import { encodingOf, encodings, unknownPlaceholder } from './template.ts'

const closed = { additionalProperties: false } as const

/** Where a value stands in a receipt. */
export const ReceiptPlace = Type.Union(
  [
    Type.Object({ query: Type.String({ minLength: 1, maxLength: 100 }) }, closed),
    Type.Object({ form: Type.String({ minLength: 1, maxLength: 100 }) }, closed),
    Type.Object({ jsonPath: JsonPath }, closed),
  ],
  {
    description: 'A field of the query, of a form in the body, or of JSON in the body.',
    examples: [{ query: 'id' }],
  },
)
export type ReceiptPlace = Static<typeof ReceiptPlace>

const Words = (description: string, examples: string[]) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
    maxItems: 50,
    description,
    examples: [examples],
  })

const Success = Type.Object(
  {
    statuses: Type.Optional(
      Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
        minItems: 1,
        description: 'The HTTP statuses that mean yes. Default: 200 to 299.',
        examples: [[200, 202]],
      }),
    ),
    bodyIncludes: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'A text that the reply holds then.' }),
    ),
    jsonPath: Type.Optional(JsonPath),
    equals: Type.Optional(
      Type.String({ maxLength: 200, description: 'What stands at jsonPath then. Default: anything.' }),
    ),
  },
  { ...closed, description: 'How a reply says that the message was taken: all of it must hold.' },
)

const Receipts = Type.Object(
  {
    id: ReceiptPlace,
    state: ReceiptPlace,
    delivered: Words('The states that mean delivered.', ['1', 'DELIVERED']),
    failed: Words('The states that mean failed. Every other one means: still under way.', ['2', '16']),
    code: Type.Optional(ReceiptPlace),
    reply: Type.Optional(
      Type.String({
        maxLength: 1000,
        description: 'What the gateway wants to hear. Default: an empty body.',
      }),
    ),
  },
  { ...closed, description: 'How the gateway reports. Default: not at all.' },
)

export const GenericSettings = Type.Object(
  {
    method: Type.Optional(
      Type.Union([Type.Literal('GET'), Type.Literal('POST'), Type.Literal('PUT')], {
        description: 'Default POST.',
        examples: ['POST'],
      }),
    ),
    url: Type.String({
      maxLength: 2000,
      pattern: '^https?://[^/?#{}]+([/?]|$)',
      description: 'The address of a send, with placeholders in its path and query.',
      examples: ['https://sms.example/send?to={{toDigits}}&text={{text}}'],
    }),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }),
        Type.String({ maxLength: 4000, pattern: '^[^\\r\\n\\u0000]*$' }),
        {
          description: 'Headers of a send. Sealed, since most of them are credentials.',
          examples: [{ authorization: 'Bearer …' }],
        },
      ),
    ),
    secrets: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9_]{1,50}$' }), Type.String({ maxLength: 4000 }), {
        description: 'Credentials that belong into the url or the body: {{secret.name}}. Sealed.',
        examples: [{ password: '…' }],
      }),
    ),
    contentType: Type.Optional(
      Type.String({
        maxLength: 100,
        pattern: '^[\\x20-\\x7e]+$',
        description: 'Of the body; decides how placeholders are written. Default application/json.',
        examples: ['application/json'],
      }),
    ),
    body: Type.Optional(
      Type.String({
        maxLength: 20_000,
        description: 'The body of a send, with placeholders; in JSON each stands between quotes.',
        examples: ['{"to":"{{to}}","message":"{{text}}","callback":"{{receiptUrl}}"}'],
      }),
    ),
    sender: Type.Optional(
      Type.String({
        maxLength: 50,
        description: 'What {{from}} is where a route names no sender.',
        examples: ['Dialtone'],
      }),
    ),
    success: Type.Optional(Success),
    messageId: Type.Optional(Place),
    failureCode: Type.Optional(Place),
    failureCodes: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 40 }),
        Type.Unsafe<FailureReason>({ type: 'string', enum: Object.keys(failures) }),
        {
          description: 'What the gateway’s codes mean; without failureCode, what its HTTP statuses mean.',
          examples: [{ '402': 'balance_exhausted' }],
        },
      ),
    ),
    receipts: Type.Optional(Receipts),
    idempotencyHeader: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9-]{1,100}$',
        description:
          'A header that takes the attempt’s id, so that the gateway sends a repeated one only once.',
        examples: ['Idempotency-Key'],
      }),
    ),
  },
  closed,
)
export type GenericSettings = Static<typeof GenericSettings>

/** What a schema cannot say. @throws Error naming the field and the remedy; it repeats no secret */
export const checkSettings = (settings: GenericSettings): void => {
  const {
    url,
    body,
    method = 'POST',
    contentType = 'application/json',
    headers = {},
    secrets = {},
  } = settings
  const templates = { url, body: body ?? '', ...headers }
  for (const [field, template] of Object.entries(templates)) {
    const unknown = unknownPlaceholder(template, secrets)
    if (unknown !== undefined) throw new Error(`${field}: ${unknown} is no placeholder`)
  }
  if (method === 'GET' && body !== undefined) throw new Error('body: a GET has none')
  if (body !== undefined && encodingOf(contentType) === encodings.inJson && !isJsonTemplate(body)) {
    throw new Error('body: not JSON; each placeholder stands between quotes')
  }
}

/** A letter in the place of each placeholder: outside of quotes it is no JSON. */
const isJsonTemplate = (body: string): boolean => {
  try {
    JSON.parse(body.replace(/\{\{[^{}]*\}\}/g, 'x'))
    return true
  } catch {
    return false
  }
}
