// What an administrator sets for an SMPP provider.
import { type Static, Type } from 'typebox'
import { type FailureReason, failures } from '../failures.ts'

const ascii = (maxLength: number) => ({ maxLength, pattern: '^[\\x20-\\x7e]*$' })

export const SmppSettings = Type.Object(
  {
    host: Type.String({
      minLength: 1,
      maxLength: 253,
      description: 'The host name or address of the SMPP server.',
      examples: ['smpp.operator.example'],
    }),
    port: Type.Integer({
      minimum: 1,
      maximum: 65_535,
      description: 'Its port: often 2775, and 3550 with TLS.',
      examples: [2775],
    }),
    tls: Type.Optional(
      Type.Boolean({
        description: 'Whether to speak TLS from the first octet. Default false.',
        examples: [true],
      }),
    ),
    tlsCertificate: Type.Optional(
      Type.String({
        maxLength: 20_000,
        description:
          'PEM: the authority to trust instead of the public ones, for a server that signed its own.',
        examples: ['-----BEGIN CERTIFICATE-----\n…'],
      }),
    ),
    systemId: Type.String({
      ...ascii(64),
      minLength: 1,
      description: 'The account: system_id. The specification allows 15 characters, many servers more.',
      examples: ['dialtone'],
    }),
    password: Type.String({
      ...ascii(64),
      description: 'Its password. The specification allows 8 characters, many servers more.',
      examples: ['s3cret'],
    }),
    systemType: Type.Optional(
      Type.String({
        ...ascii(12),
        description: 'system_type, where the operator asks for one. Default: empty.',
        examples: ['OTP'],
      }),
    ),
    serviceType: Type.Optional(
      Type.String({
        ...ascii(5),
        description: 'service_type of each message, where the operator asks for one. Default: empty.',
        examples: ['CMT'],
      }),
    ),
    sender: Type.Optional(
      Type.String({
        ...ascii(20),
        description: 'The sender of messages whose route names none: a number, short code or name.',
        examples: ['Dialtone'],
      }),
    ),
    senderTon: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 6,
        description: 'source_addr_ton. Default by the sender’s form: 5 a name, 1 a number, 3 a short code.',
        examples: [5],
      }),
    ),
    senderNpi: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 18,
        description: 'source_addr_npi. Default 1 for a number, else 0.',
        examples: [0],
      }),
    ),
    longTexts: Type.Optional(
      Type.Union([Type.Literal('parts'), Type.Literal('message_payload')], {
        description: 'How a text goes that is too long for one message. Default parts.',
        examples: ['parts'],
      }),
    ),
    messageIds: Type.Optional(
      Type.Union([Type.Literal('same'), Type.Literal('hex_then_decimal'), Type.Literal('decimal_then_hex')], {
        description:
          'How the server writes ids in its answers and then in its receipts, where the two differ. Default same.',
        examples: ['hex_then_decimal'],
      }),
    ),
    validityMinutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1440,
        description: 'How long the server tries. Default: as long as it likes.',
        examples: [10],
      }),
    ),
    window: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'How many messages may wait for an answer at once. Default 10.',
        examples: [10],
      }),
    ),
    enquireLinkSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 600,
        description: 'How often to ask whether the server is still there. Default 30.',
        examples: [30],
      }),
    ),
    failureCodes: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^(0x[0-9a-f]{8}|ESME_[A-Z]+)$' }),
        Type.Unsafe<FailureReason>({ type: 'string', enum: Object.keys(failures) }),
        {
          description: 'The operator’s own meanings of command_status: a name, or eight hexadecimal digits.',
          examples: [{ '0x00000403': 'balance_exhausted' }],
        },
      ),
    ),
  },
  { additionalProperties: false },
)

export type SmppSettings = Static<typeof SmppSettings>
