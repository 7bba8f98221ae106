// The fields of a JSON schema as rows of a table.
import { code, table } from './markdown.mjs'

const typeOf = (schema) => {
  if (schema.enum !== undefined) return 'string'
  if (schema.type === 'array') return `${typeOf(schema.items ?? {})}[]`
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  return schema.type ?? 'any'
}

/** What stands in every reply, whatever the call. */
const common = { data: 'What the call gives.' }

const meaningOf = (schema, name) => {
  const values = schema.enum ?? schema.items?.enum
  // One value alone is the sample.
  const choice = values?.length > 1 && `One of ${values.map(code).join(', ')}.`
  return [schema.description ?? common[name], choice].filter(Boolean).join(' ')
}

export const sampleOf = ({ examples: [sample] = [], enum: [first] = [], default: usual }) =>
  sample ?? usual ?? first

/** One row a field, those of objects below their object: `passCodePayload.phone`. */
export const rowsOf = (schema, path = '') =>
  Object.entries(schema?.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.type === 'array' ? (field.items ?? {}) : field
    const below = `${path}${name}${field.type === 'array' ? '[]' : ''}.`
    return [{ name: `${path}${name}`, field, required: schema.required?.includes(name) === true }].concat(
      inner.properties === undefined ? [] : rowsOf(inner, below),
    )
  })

const optional = (value) => (value === undefined || value === '' ? '–' : code(value))

/** What a description says of the value that is meant where none is given. */
const defaultOf = ({ default: usual, description = '' }) =>
  usual ?? description.match(/Default (\S+?)(?:\.|,| \()/)?.[1]

export const requestTable = (rows, link) =>
  table(
    ['name', 'type', 'required', 'default', 'meaning', 'sample'],
    rows.map(({ name, field, required }) => [
      code(name),
      typeOf(field),
      required ? 'yes' : 'no',
      optional(defaultOf(field)),
      link(meaningOf(field, name)),
      optional(sampleOf(field)),
    ]),
  )

export const responseTable = (schema, link) =>
  table(
    ['name', 'type', 'there', 'meaning'],
    rowsOf(schema).map(({ name, field, required }) => [
      code(name),
      typeOf(field),
      required ? 'always' : 'where there is one',
      link(meaningOf(field, name)),
    ]),
  )
