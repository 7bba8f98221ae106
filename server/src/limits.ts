// Every limit that holds for a caller, as named data. The counts stand in the database, so that all server processes
// share them; each number is a setting (docs/reference/settings.md).

export type Limit = {
  /** The setting, without its prefix, and which of the two numbers below it changes. */
  setting: string
  settable: 'count' | 'windowSeconds'
  count: number
  windowSeconds: number
  about: string
}

export const limits = {
  messageCooldown: {
    setting: 'MESSAGE_COOLDOWN_SECONDS',
    settable: 'windowSeconds',
    count: 1,
    windowSeconds: 60,
    about: 'Seconds between two messages to one number (or email address) for one purpose.',
  },
  messagesPerRecipientHour: {
    setting: 'MESSAGES_PER_RECIPIENT_HOUR',
    settable: 'count',
    count: 10,
    windowSeconds: 3600,
    about: 'Messages to one number (or email address) in an hour.',
  },
  messagesPerRecipientDay: {
    setting: 'MESSAGES_PER_RECIPIENT_DAY',
    settable: 'count',
    count: 20,
    windowSeconds: 86_400,
    about: 'Messages to one number (or email address) in a day.',
  },
  messagesPerIpHour: {
    setting: 'MESSAGES_PER_IP_HOUR',
    settable: 'count',
    count: 100,
    windowSeconds: 3600,
    about: 'Messages that one client address (IPv4, or IPv6 /64) may ask for in an hour.',
  },
  messagesPerApplicationHour: {
    setting: 'MESSAGES_PER_APPLICATION_HOUR',
    settable: 'count',
    count: 10_000,
    windowSeconds: 3600,
    about: 'Messages that one application may ask for in an hour.',
  },
  attemptsPerPasscode: {
    setting: 'PASSCODE_ATTEMPTS',
    settable: 'count',
    count: 5,
    windowSeconds: 600,
    about: 'Guesses at one passcode, the right one included, for as long as it lives.',
  },
  passcodeFailuresHour: {
    setting: 'PASSCODE_FAILURES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Wrong passcodes for one number (or email address), and for one account, in an hour.',
  },
  passwordFailuresHour: {
    setting: 'PASSWORD_FAILURES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Wrong passwords for one identifier from one client address in an hour.',
  },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limits

/** The limits in force: the counts of the settings, the windows of the table above. */
export type Limits = { readonly [Name in LimitName]: Limit }

/** What a route says where no count is kept, with the reason: saying nothing is an error at boot. */
export type Unlimited = { unlimited: string }
export const unlimited = (reason: string): Unlimited => ({ unlimited: reason })
