// Bodies that the server can work with and store: JSON in UTF-8, not too deep, without text that PostgreSQL refuses.
// Each refusal names the field, so that none of these becomes a fault further inside.
import type { FastifyBodyParser, FastifyRequest } from 'fastify'
import { fieldInvalid } from '../api-codes.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Far deeper than any call asks for, and far from where walking, writing or storing the value would overflow. */
const deepest = 64

/** @param parse turns text into a value and refuses keys that reach for a prototype */
export const strictJsonParser =
  (parse: FastifyBodyParser<string>) =>
  (request: FastifyRequest, bytes: Buffer, done: (error: Error | null, body?: unknown) => void) => {
    // Some clients send the header and no body; the schema then says which fields are missing.
    if (bytes.length === 0) return done(null, {})
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch {
      return done(fieldInvalid('body', 'is not valid UTF-8'))
    }
    parse(request, text, (error, body) => {
      if (error !== null) return done(fieldInvalid('body', 'is not valid JSON: send a JSON object in UTF-8'))
      try {
        refuseDepth(body, deepest)
        // Only an escape can bring such a character into valid JSON, so that other bodies cost one search.
        if (/\\u(0000|d[89a-f])/i.test(text)) refuseUnstorableText(body, '')
        done(null, dropNulls(body))
      } catch (fault) {
        done(fault as Error)
      }
    })
  }

const refuseDepth = (value: unknown, levels: number): void => {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) {
    throw fieldInvalid('body', `must not nest objects and lists deeper than ${deepest} levels`)
  }
  for (const inner of Object.values(value)) refuseDepth(inner, levels - 1)
}

/** PostgreSQL stores neither NUL nor a lone surrogate: refuse by name what would otherwise fail inside. */
export const refuseUnstorableText = (value: unknown, path: string): void => {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return
    throw fieldInvalid(path || 'body', 'must not contain NUL or half of a surrogate pair')
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    refuseUnstorableText(key, path)
    refuseUnstorableText(inner, path === '' ? key : `${path}.${key}`)
  }
}

/** A field that is null counts as absent: some SDKs send every field that they know. Free-form data keeps its nulls. */
const dropNulls = (body: unknown): unknown => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, key === 'customData' || key === 'context' ? value : dropNulls(value)]),
  )
}
