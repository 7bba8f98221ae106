// The places of a template that a message fills, and what a template must look like to be kept.

const ofCodes = ['code', 'minutes', 'app', 'purpose'] as const
const ofLinks = ['link', 'app', 'purpose'] as const
const ofSubjects = ['app', 'purpose'] as const

export type Placeholder = (typeof ofCodes)[number] | (typeof ofLinks)[number]

export type PlaceholderValues = Readonly<Partial<Record<Placeholder, string>>>

const maxCharacters = 600
const maxSubjectCharacters = 150

const placeholderPattern = /\{\{([^{}]*)\}\}/g

/** No control character but the line break: the rest cannot be sent as an SMS, or moves what follows. */
const forbiddenPattern = /(?!\n)[\p{Cc}\u2028\u2029]/u
const forbiddenInSubjectPattern = /[\p{Cc}\u2028\u2029]/u

const faultOfPlaces = (text: string, known: readonly Placeholder[]): string | undefined => {
  const names = namesIn(text)
  const unknown = names.find((name) => !known.some((one) => one === name))
  const offered = known.map((name) => `{{${name}}}`).join(', ')
  if (unknown !== undefined) return `has an unknown placeholder {{${unknown}}}: use ${offered}`
  return /\{\{|\}\}/.test(text.replace(placeholderPattern, ' '))
    ? `has {{ or }} without its other half: write a placeholder as one of ${offered}`
    : undefined
}

/** What is wrong with a template, with the remedy; undefined when it is fine. @param carries what the message is for */
export const faultOfTemplate = (text: string, carries: 'code' | 'link'): string | undefined => {
  if ([...text].length > maxCharacters) return `is longer than ${maxCharacters} characters: shorten it`
  if (forbiddenPattern.test(text) || !text.isWellFormed()) {
    return 'holds a control character: remove it; only line breaks may stay'
  }
  const fault = faultOfPlaces(text, carries === 'link' ? ofLinks : ofCodes)
  if (fault !== undefined) return fault
  return namesIn(text).includes(carries)
    ? undefined
    : `has no {{${carries}}}: say where the ${carries} stands`
}

/** The same of the subject of an email, which servers write into their logs: so it has neither code nor link. */
export const faultOfSubject = (subject: string): string | undefined => {
  if (subject === '') return 'is empty: leave it out for the built-in one'
  if ([...subject].length > maxSubjectCharacters) {
    return `is longer than ${maxSubjectCharacters} characters: shorten it`
  }
  if (forbiddenInSubjectPattern.test(subject) || !subject.isWellFormed()) {
    return 'holds a line break or another control character: remove it'
  }
  return faultOfPlaces(subject, ofSubjects)
}

const namesIn = (text: string): string[] =>
  [...text.matchAll(placeholderPattern)].map(([, name = '']) => name.trim())

/** One pass, so that a value which looks like a placeholder stays what it is. */
export const fillTemplate = (text: string, values: PlaceholderValues): string =>
  text.replace(placeholderPattern, (whole, inside: string) => {
    const name = inside.trim()
    return Object.hasOwn(values, name) ? (values[name as Placeholder] ?? whole) : whole
  })
