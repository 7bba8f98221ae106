// The types of the methods, derived from those of the OpenAPI document.
import type { ApiCode, RefusalStatusCode } from './generated/api-codes.ts'
import type { operations } from './generated/openapi.ts'

/** The name of a method that is one call of the server. */
export type Operation = keyof operations

type Json<Of> = Of extends { content: { 'application/json': infer Schema } } ? Schema : never

type Body<Op extends Operation> = operations[Op] extends { requestBody: infer Of } ? Json<Of> : never

type Query<Op extends Operation> = operations[Op] extends { parameters: { query?: infer Of } }
  ? NonNullable<Of>
  : never

type Reply<Op extends Operation> = operations[Op] extends { responses: { 200: infer Of } } ? Json<Of> : never

/**
 * The literal itself, or a member of a string enum with that value. TypeScript lets no enum member stand for its
 * literal, but compares it with patterns: what both begins and ends with the literal is the literal.
 */
type Literal<Of extends string> = Of extends string ? Of | (`${Of}${string}` & `${string}${Of}`) : never

/** Bodies also take the enums of the published SDK, and an optional field may be `undefined`. */
type Accepted<Of> = Of extends string
  ? string extends Of
    ? Of
    : Literal<Of>
  : Of extends readonly (infer Entry)[]
    ? readonly Accepted<Entry>[]
    : Of extends object
      ? {
          [Field in keyof Of]:
            | Accepted<Of[Field]>
            | (Record<never, never> extends Pick<Of, Field> ? undefined : never)
        }
      : Of

/** What a method takes: the body of its call, or the query. */
export type Params<Op extends Operation> = Accepted<[Body<Op>] extends [never] ? Query<Op> : Body<Op>>

/** What a method that fills in a part of another call takes: some fields of one payload, and what stands beside it. */
export type Wrapped<
  Op extends Operation,
  Payload extends keyof Params<Op>,
  Required extends keyof NonNullable<Params<Op>[Payload]>,
  Optional extends keyof NonNullable<Params<Op>[Payload]>,
  Also extends keyof Params<Op>,
> = {
  [Field in Required]: NonNullable<NonNullable<Params<Op>[Payload]>[Field]>
} & { [Field in Optional]?: NonNullable<Params<Op>[Payload]>[Field] } & {
  [Field in Also]?: Params<Op>[Field]
}

/** `data` of a successful reply; `never` where there is none. */
export type Data<Op extends Operation> = Reply<Op> extends { data: infer Of } ? Of : never

/** The reply of a call that has no envelope. */
export type Bare<Op extends Operation> = Reply<Op>

/** What a refusal may say beside its code. */
export type RefusalDetails = {
  /** Seconds from now, where time alone ends the refusal. */
  retryAfterSeconds?: number
  /** Each field that is not valid, and what it should be. */
  errors?: { field: string; message: string }[]
}

/** The envelope of a success. */
export type Succeeded<Of = never> = {
  statusCode: 200
  /** What happened, in the client's language. */
  message: string
  apiCode?: undefined
  /** Names this request in the server's log. */
  requestId: string
} & ([Of] extends [never] ? { data?: undefined } : { data: Of })

/**
 * The envelope of a refusal. A program of the published SDK reads `data` without a look at `statusCode`, and so may
 * yours: but then it is not there, or has the details of the refusal. Look at `statusCode`, or have refusals thrown
 * (`throwOnError`).
 */
export type Refused<Of = never> = {
  statusCode: RefusalStatusCode
  /** What is wrong and what to do, in the client's language. */
  message: string
  /** The exact kind of refusal; a few have none. */
  apiCode?: ApiCode
  /** Names this request in the server's log. */
  requestId: string
} & ([Of] extends [never]
  ? { data?: RefusalDetails }
  : Of extends readonly unknown[]
    ? { data: Of }
    : { data: Of & RefusalDetails })

/** What a method resolves with. */
export type Result<Op extends Operation, Throws extends boolean> = Throws extends true
  ? Succeeded<Data<Op>>
  : Succeeded<Data<Op>> | Refused<Data<Op>>

/** Of one call. */
export type CallOptions = {
  /** Ends the call: it rejects with the signal's reason. The server may have done its work nevertheless. */
  signal?: AbortSignal | undefined
  /** Milliseconds, instead of the client's. */
  timeout?: number | undefined
  /** Instead of the client's: for a server program whose one client serves many users. */
  accessToken?: string | undefined
}
