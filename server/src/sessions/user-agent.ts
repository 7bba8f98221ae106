// What a user agent says of itself, as far as it can be told without a database of devices: which browser, which
// system. Anyone can send any text here: it is shown to the user, and nothing is decided by it.

export type ParsedAgent = {
  /** `Browser`, or else where the program runs, as the V3 API names devices. */
  type: 'Browser' | 'Mobile' | 'Desktop'
  isMobile: boolean
  /** Undefined where it is not told. */
  browser: string | undefined
  os: string | undefined
  osVersion: string | undefined
}

/** The first that matches: many browsers name the ones before them too. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/MicroMessenger\//, 'WeChat'],
  [/\b(?:Edg|EdgA|EdgiOS)\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
]

/** The version that follows, where it is one: Windows names the kernel, and browsers froze those of macOS. */
const systems: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid(?: (\d[\d.]*))?/, 'Android'],
  [/\b(?:iPhone|iPod).*? OS (\d[\d_]*)/, 'iOS'],
  [/\biPad.*? OS (\d[\d_]*)/, 'iPadOS'],
  [/\bWindows NT\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

const mobileSystems: readonly (string | undefined)[] = ['Android', 'iOS', 'iPadOS']

export const parseUserAgent = (text: string): ParsedAgent => {
  const browser = browsers.find(([pattern]) => pattern.test(text))?.[1]
  const [os, osVersion] = systems
    .map(([pattern, name]) => ({ name, match: pattern.exec(text) }))
    .flatMap(({ name, match }) => (match === null ? [] : [[name, match[1]] as const]))[0] ?? [
    undefined,
    undefined,
  ]
  const isMobile = mobileSystems.includes(os) || /\b(?:okhttp|Dalvik|CFNetwork)\//.test(text)
  return {
    type: browser !== undefined ? 'Browser' : isMobile ? 'Mobile' : 'Desktop',
    isMobile,
    browser,
    os,
    osVersion: osVersion?.replaceAll('_', '.'),
  }
}
