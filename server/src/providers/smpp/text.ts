// Texts as SMPP carries them: the GSM 7-bit alphabet where it has every character, else UCS-2; cut into parts where
// one message cannot hold them.
//
// What must stay true: no character is replaced by another; a part never ends inside a character.

/** SMPP 3.4, section 5.2.19. */
export const dataCodings = { defaultAlphabet: 0, ucs2: 8 } as const

/** The header numbers parts with one octet. */
const maxParts = 255

// 3GPP TS 23.038, section 6.2.1: a character's place is its code. Code 0x1B, the escape, stands for no character.
const basic = [
  ...'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?',
  ...'¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
]
const escapeCode = 0x1b
// Section 6.2.1.1: each takes two places, the first of them the escape.
const extension: Readonly<Record<string, number>> = {
  '\f': 0x0a,
  '^': 0x14,
  '{': 0x28,
  '}': 0x29,
  '\\': 0x2f,
  '[': 0x3c,
  '~': 0x3d,
  ']': 0x3e,
  '|': 0x40,
  '€': 0x65,
}

const septets = new Map<string, readonly number[]>([
  ...basic.map((character, code): [string, number[]] => [character, [code]]),
  ...Object.entries(extension).map(([character, code]): [string, number[]] => [
    character,
    [escapeCode, code],
  ]),
])
septets.delete('\u{1b}')

/** A text as units that must not be cut, each some octets; one septet takes one octet in SMPP. */
type Units = { dataCoding: number; units: readonly Buffer[] }

const toUnits = (text: string): Units => {
  const characters = [...text]
  const gsm = characters.flatMap((character) => {
    const codes = septets.get(character)
    return codes === undefined ? [] : [Buffer.from(codes)]
  })
  if (gsm.length === characters.length) return { dataCoding: dataCodings.defaultAlphabet, units: gsm }
  // UTF-16 in fact: phones have read the pairs of emoji since they have emoji.
  return {
    dataCoding: dataCodings.ucs2,
    units: characters.map((character) => Buffer.from(character, 'utf16le').swap16()),
  }
}

/** 160 septets or 140 octets fit one message; with the header of a part, 153 or 134 (3GPP TS 23.040, 9.2.3.24.1). */
const roomOf = (dataCoding: number) =>
  dataCoding === dataCodings.ucs2 ? { whole: 140, part: 134 } : { whole: 160, part: 153 }

const fill = (units: readonly Buffer[], octets: number): Buffer[] => {
  const parts: Buffer[][] = []
  let used = octets
  for (const unit of units) {
    if (used + unit.length > octets) {
      parts.push([])
      used = 0
    }
    parts.at(-1)?.push(unit)
    used += unit.length
  }
  return parts.map((part) => Buffer.concat(part))
}

export type EncodedText = {
  dataCoding: number
  /** Whether each part begins with a user data header. */
  hasHeader: boolean
  parts: readonly Buffer[]
}

/** The whole text as one piece, for message_payload. */
export const encodeWhole = (text: string): EncodedText => {
  const { dataCoding, units } = toUnits(text)
  return { dataCoding, hasHeader: false, parts: [Buffer.concat(units)] }
}

/**
 * The text in as many parts as it needs; undefined when 255 do not hold it. `reference` (0 to 255) is what a phone
 * tells the parts of two texts apart by.
 */
export const encodeParts = (text: string, reference: number): EncodedText | undefined => {
  const { dataCoding, units } = toUnits(text)
  const room = roomOf(dataCoding)
  const whole = Buffer.concat(units)
  if (whole.length <= room.whole) return { dataCoding, hasHeader: false, parts: [whole] }

  const pieces = fill(units, room.part)
  if (pieces.length > maxParts) return undefined
  // 3GPP TS 23.040, section 9.2.3.24.1: concatenated short messages, 8-bit reference number.
  const parts = pieces.map((piece, index) =>
    Buffer.concat([Buffer.from([5, 0, 3, reference, pieces.length, index + 1]), piece]),
  )
  return { dataCoding, hasHeader: true, parts }
}

/**
 * The octets that the library read as the GSM alphabet, as ASCII: receipts are written in it whatever they declare,
 * and an id with an underscore would not be found again.
 */
export const asciiOf = (text: string): string =>
  Buffer.from([...text].flatMap((character) => septets.get(character) ?? [character.charCodeAt(0)])).toString(
    'latin1',
  )
