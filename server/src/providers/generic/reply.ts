// Reading what the gateway of a generic provider answers or reports, by the places that an administrator names.
//
// What must stay true: no pattern of an administrator runs over the gateway's text, so that no reply can stall the
// process; what is read for the timeline is a short word and never holds the number or the code.
import { type Static, Type } from 'typebox'
import type { ProviderReply } from '../http.ts'

export const JsonPath = Type.String({
  maxLength: 200,
  pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$',
  description: 'The way to a value in JSON; a number counts in a list.',
  examples: ['messages.0.id'],
})

/** Where a value stands in a reply. */
export const Place = Type.Union(
  [
    Type.Object({ jsonPath: JsonPath }, { additionalProperties: false }),
    Type.Object(
      { header: Type.String({ minLength: 1, maxLength: 100, description: 'The name of a header.' }) },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        after: Type.String({
          maxLength: 200,
          description: 'The text before the value; empty: the beginning.',
        }),
        before: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'The text behind it. Default: the end of the line.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
  ],
  { examples: [{ jsonPath: 'messages.0.id' }, { after: 'ID: ' }] },
)
export type Place = Static<typeof Place>

/** A string, number or boolean at the path, as text. */
export const valueAt = (json: unknown, path: string): string | undefined => {
  let value = json
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

export const valueIn = (reply: ProviderReply, place: Place): string | undefined => {
  if ('jsonPath' in place) return valueAt(reply.json, place.jsonPath)
  if ('header' in place) return reply.headers.get(place.header) ?? undefined
  const begin = reply.text.indexOf(place.after)
  if (begin < 0) return undefined
  const rest = reply.text.slice(begin + place.after.length)
  const end = rest.indexOf(place.before ?? '\n')
  if (end < 0 && place.before !== undefined) return undefined
  return (end < 0 ? rest : rest.slice(0, end)).trim()
}

/** Long enough for a UUID or a provider's own long id. */
const maxIdChars = 200

/** An id as it can be stored; undefined for what is none. */
export const idOf = (value: string | undefined): string | undefined =>
  value !== undefined && value !== '' && value.length <= maxIdChars && !/\p{Cc}/u.test(value)
    ? value
    : undefined

/** A code for the timeline; undefined for what may be a sentence, or hold what must not be shown (rule 12). */
export const codeOf = (value: string | undefined, hidden: readonly string[] = []): string | undefined => {
  if (value === undefined || !/^[\w.:-]{1,40}$/.test(value)) return undefined
  return hidden.some((part) => part !== '' && value.includes(part)) ? undefined : value
}
