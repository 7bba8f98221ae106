// What a new password must be: long enough, as strong as the pool's account policy asks, none that everybody tries, and
// not what the account or the application is called (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2).
import type { AccountPolicy } from '../account-policy/account-policy.ts'
import { ApiError, type FieldFault } from '../api-codes.ts'
import { formsOf, isCommonPassword } from './common-passwords.ts'

const minLength = 8
const maxLength = 128

export type NewPassword = {
  poolId: string
  password: string
  /** What the wire calls it, for the refusal. */
  field: string
  /** What the account is called: its username, phone and email address, as far as it has them. */
  own: readonly (string | null | undefined)[]
  /** The name of the application that it is set at. */
  applicationName?: string | undefined
}

/** 1 low, 2 medium, 3 high: what the security page shows. Length counts most (NIST SP 800-63B-4, 3.1.1.2). */
export const passwordSecurityLevel = (password: string): 1 | 2 | 3 => {
  const length = lengthOf(password)
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length
  if (length >= 16 || (length >= 12 && kinds >= 3)) return 3
  return length >= 10 || kinds >= 3 ? 2 : 1
}

/** How many characters a person would count. */
const lengthOf = (password: string): number => [...password].length

const kinds = 'three of: lower-case letters, capitals, digits, other signs'

const asked = {
  none: { level: 1, message: '' },
  low: { level: 1, message: '' },
  medium: { level: 2, message: `must have at least 10 characters, or ${kinds}` },
  high: { level: 3, message: `must have at least 16 characters, or 12 with ${kinds}` },
} as const satisfies Record<AccountPolicy['passwordLevel'], { level: number; message: string }>

/** @throws ApiError password_too_weak, with all that is asked and missing */
export const requireStrongPassword = async (given: NewPassword, policy: AccountPolicy): Promise<void> => {
  const { password, field } = given
  const length = lengthOf(password)
  const { level, message } = asked[policy.passwordLevel]
  const messages: string[] = []
  if (length < minLength) messages.push(`must have at least ${minLength} characters`)
  if (length > maxLength) messages.push(`must have at most ${maxLength} characters`)
  if (passwordSecurityLevel(password) < level) messages.push(message)
  if (isOwnName(given)) messages.push('must not be your name, number or address, or that of the application')
  if (policy.refuseCommonPasswords && length >= minLength && (await isCommonPassword(password))) {
    messages.push('is one that many people use, and the first that is guessed: choose another')
  }
  if (messages.length === 0) return
  const errors: FieldFault[] = messages.map((fault) => ({ field, message: fault }))
  throw new ApiError('password_too_weak', messages.join('; '), { errors })
}

/** With or without the calling code, the domain, the spaces, and what people add to meet a rule. */
const isOwnName = ({ password, own, applicationName }: NewPassword): boolean => {
  const names = [...own, applicationName].flatMap((name) => (name == null ? [] : spellingsOf(name)))
  return formsOf(password).some(
    (form) => names.includes(bare(form)) || names.some((name) => isEnd(name, form)),
  )
}

const spellingsOf = (name: string): string[] => {
  const folded = name.normalize('NFKC').toLowerCase()
  return [bare(folded), bare(folded.replace(/@.*$/su, ''))].filter((spelling) => spelling !== '')
}

/** Only letters and digits, in which a number or a name is the same however it is written. */
const bare = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, '')

/** A phone without its calling code. */
const isEnd = (name: string, form: string): boolean => /^\d{8,}$/.test(form) && name.endsWith(form)
