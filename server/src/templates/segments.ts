// How many SMS a text becomes, and which of its characters make it dear.
//
// What must stay true: a text goes out in the GSM 7 bit default alphabet or, when one character is not in it, as a whole
// in UCS-2 (3GPP TS 23.038, sections 6.2.1 and 6.2.3); a message of several segments loses six octets of each to the
// header that joins them (3GPP TS 23.040, section 9.2.3.24.1: 153 septets, 67 code units); a character of the extension
// table costs two septets, one beyond Unicode's first plane two code units, and neither is cut in two. The national
// language tables of TS 23.038 are left out: a sender must ask for them, and few providers can.

/** GSM 7 bit default alphabet, in its own order (3GPP TS 23.038, section 6.2.1), without the escape at 0x1B. */
const defaultAlphabet = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ' +
    ' !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§' +
    '¿abcdefghijklmnopqrstuvwxyzäöñüà',
)

/** Its extension table (section 6.2.1.1): each behind an escape. */
const extension = new Set('\f^{}\\[~]|€')

type Encoding = {
  encoding: 'GSM-7' | 'UCS-2'
  /** How many units one message holds, and each segment of several. */
  alone: number
  joined: number
  unitsOf(character: string): number
}

const gsm7: Encoding = {
  encoding: 'GSM-7',
  alone: 160,
  joined: 153,
  unitsOf: (character) => (extension.has(character) ? 2 : 1),
}

const ucs2: Encoding = { encoding: 'UCS-2', alone: 70, joined: 67, unitsOf: ({ length }) => length }

export type SegmentCount = {
  encoding: 'GSM-7' | 'UCS-2'
  /** Septets of GSM-7, code units of UCS-2. */
  units: number
  /** What a provider bills; 0 for an empty text. */
  segments: number
}

/** The characters that a text of the default alphabet could not have, each once, in the order of the text. */
export const unsupportedCharacters = (text: string): string[] => [
  ...new Set([...text].filter((character) => !defaultAlphabet.has(character) && !extension.has(character))),
]

export const countSegments = (text: string): SegmentCount => {
  const { encoding, alone, joined, unitsOf } = unsupportedCharacters(text).length === 0 ? gsm7 : ucs2
  const sizes = [...text].map(unitsOf)
  const units = sizes.reduce((sum, size) => sum + size, 0)
  if (units <= alone) return { encoding, units, segments: units === 0 ? 0 : 1 }

  let segments = 1
  let used = 0
  for (const size of sizes) {
    if (used + size > joined) {
      segments += 1
      used = 0
    }
    used += size
  }
  return { encoding, units, segments }
}
