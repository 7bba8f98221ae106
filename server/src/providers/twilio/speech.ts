// What a call says, in TwiML (Twilio's "TwiML Voice: <Say>" and "<Pause>"): the text with its code digit by digit, and
// all of it twice, because nobody has a pen at hand the first time.
import type { OutgoingMessage } from '../provider.ts'

const pause = '<Pause length="1"/>'

/** About 2,500 characters for the longest text that a template may have; Twilio takes 4,000. */
export const speechOf = ({ text, parameters, locale }: OutgoingMessage): string => {
  const language = spokenLanguage(locale)
  const say = (words: string): string[] =>
    /[\p{L}\p{N}]/u.test(words) ? [`<Say language="${language}">${escapeXml(words.trim())}</Say>`] : []
  const { code } = parameters
  const [before, after] = around(text, code)
  const once = [...say(before), ...[...code].flatMap(say), ...say(after)]
  return `<Response>${[...once, ...once].join(pause)}</Response>`
}

/** What stands before and after the code, whether a template wrote it whole or digit by digit (`4, 8, 2, 9, 1, 3`). */
const around = (text: string, code: string): [before: string, after: string] => {
  const found = new RegExp([...code].join('[\\s,，、]*')).exec(text)
  return found === null ? [text, ''] : [text.slice(0, found.index), text.slice(found.index + found[0].length)]
}

/** Twilio wants the region too: `en` is spoken as `en-US`, `zh` as `zh-CN`. */
const spokenLanguage = (locale: string): string => {
  try {
    const { language, region } = new Intl.Locale(locale).maximize()
    return region === undefined ? 'en-US' : `${language}-${region}`
  } catch {
    return 'en-US'
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
