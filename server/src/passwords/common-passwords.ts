// Passwords that everybody tries first: the list of the zxcvbn-ts project, most of it from real breaches. Loaded when a
// password is set for the first time, and kept: see docs/decisions/common-passwords.md for what that costs.

/** What people put behind a word to meet a rule: `dragon2024!`. Guessing programs try the same. */
const trivialEnding = /[\p{N}\p{P}\p{S}\s]{1,4}$/u

/** No password that is long enough has less left when its trivial ending is cut. */
const shortest = 4

let list: Promise<ReadonlySet<string>> | undefined

const load = async (): Promise<ReadonlySet<string>> => {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter((word) => word.length >= shortest))
}

/** The forms under which a password is looked up: as it is, and without its trivial ending; the case never counts. */
export const formsOf = (password: string): string[] => {
  const folded = password.normalize('NFKC').toLowerCase().trim()
  return [...new Set([folded, folded.replace(trivialEnding, '').trim()])]
}

export const isCommonPassword = async (password: string): Promise<boolean> => {
  list ??= load()
  const known = await list
  return formsOf(password).some((form) => known.has(form))
}
