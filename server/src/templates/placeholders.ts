// The places of a template that a message fills, and what a template must look like to be kept.

const placeholders = ['code', 'minutes', 'app', 'purpose'] as const

export type Placeholder = (typeof placeholders)[number]

const maxCharacters = 600

const placeholderPattern = /\{\{([^{}]*)\}\}/g

/** No control character but the line break: the rest cannot be sent as an SMS, or moves what follows. */
const forbiddenPattern = /(?!\n)[\p{Cc}\u2028\u2029]/u

const isPlaceholder = (name: string): name is Placeholder =>
  (placeholders as readonly string[]).includes(name)

/** What is wrong with a template, with the remedy; undefined when it is fine. */
export const faultOfTemplate = (text: string): string | undefined => {
  if ([...text].length > maxCharacters) return `is longer than ${maxCharacters} characters: shorten it`
  if (forbiddenPattern.test(text) || !text.isWellFormed()) {
    return 'holds a control character: remove it; only line breaks may stay'
  }
  const names = [...text.matchAll(placeholderPattern)].map(([, name = '']) => name.trim())
  const unknown = names.find((name) => !isPlaceholder(name))
  const offered = placeholders.map((name) => `{{${name}}}`).join(', ')
  if (unknown !== undefined) return `has an unknown placeholder {{${unknown}}}: use ${offered}`
  if (/\{\{|\}\}/.test(text.replace(placeholderPattern, ' '))) {
    return `has {{ or }} without its other half: write a placeholder as one of ${offered}`
  }
  if (!names.includes('code')) return 'has no {{code}}: say where the code stands'
  return undefined
}

/** One pass, so that a value which looks like a placeholder stays what it is. */
export const fillTemplate = (text: string, values: Readonly<Record<Placeholder, string>>): string =>
  text.replace(placeholderPattern, (whole, inside: string) => {
    const name = inside.trim()
    return isPlaceholder(name) ? values[name] : whole
  })
