// Every limit that holds for a caller, as named data. The counts stand in the database, so that all server processes
// share them; each number is a setting (docs/reference/settings.md).

import type { ApiCodeName } from './api-codes.ts'

export type Limit = {
  /** The setting, without its prefix, and which of the two numbers below it changes. */
  setting: string
  settable: 'count' | 'windowSeconds'
  count: number
  windowSeconds: number
  about: string
  /** What shares one count, in words. */
  countedBy: string
  /** What the one gets who is over it; undefined: nobody is refused. */
  refusal: ApiCodeName | undefined
}

export const limits = {
  messageCooldown: {
    setting: 'MESSAGE_COOLDOWN_SECONDS',
    settable: 'windowSeconds',
    count: 1,
    windowSeconds: 60,
    about: 'Seconds between two messages to one number (or email address) for one purpose.',
    countedBy: 'recipient and purpose; for each signed-in user apart',
    refusal: 'sms_cooldown',
  },
  messagesPerRecipientHour: {
    setting: 'MESSAGES_PER_RECIPIENT_HOUR',
    settable: 'count',
    count: 10,
    windowSeconds: 3600,
    about: 'Messages to one number (or email address) in an hour.',
    countedBy: 'recipient; apart for strangers, signed-in users and its owner',
    refusal: 'sms_limit_reached',
  },
  messagesPerRecipientDay: {
    setting: 'MESSAGES_PER_RECIPIENT_DAY',
    settable: 'count',
    count: 20,
    windowSeconds: 86_400,
    about: 'Messages to one number (or email address) in a day.',
    countedBy: 'recipient; apart for strangers, signed-in users and its owner',
    refusal: 'sms_limit_reached',
  },
  messagesPerIpHour: {
    setting: 'MESSAGES_PER_IP_HOUR',
    settable: 'count',
    count: 100,
    windowSeconds: 3600,
    about: 'Messages that one client address (IPv4, or IPv6 /64) may ask for in an hour.',
    countedBy: 'client address: IPv4, or the /64 of IPv6',
    refusal: 'sms_limit_reached',
  },
  messagesPerApplicationHour: {
    setting: 'MESSAGES_PER_APPLICATION_HOUR',
    settable: 'count',
    count: 10_000,
    windowSeconds: 3600,
    about: 'Messages that one application may ask for in an hour.',
    countedBy: 'application',
    refusal: 'sms_limit_reached',
  },
  messagesPerNetworkHour: {
    setting: 'MESSAGES_PER_NETWORK_HOUR',
    settable: 'count',
    count: 1000,
    windowSeconds: 3600,
    about: 'Messages of providers that one network (IPv4 /24, or IPv6 /48) may ask for in an hour.',
    countedBy: 'network of the client: the /24 of IPv4, or the /48 of IPv6',
    refusal: 'sms_limit_reached',
  },
  messagesPerPrefixHour: {
    setting: 'MESSAGES_PER_PREFIX_HOUR',
    settable: 'count',
    count: 500,
    windowSeconds: 3600,
    about:
      'Messages of providers to the 10,000 numbers that share all but their last four digits, in an hour.',
    countedBy: 'the number without its last four digits',
    refusal: 'sms_limit_reached',
  },
  messagesPerRegionHour: {
    setting: 'MESSAGES_PER_REGION_HOUR',
    settable: 'count',
    count: 20_000,
    windowSeconds: 3600,
    about: 'Messages of providers to one country in an hour; the guard’s policy can set another for each.',
    countedBy: 'country of the number',
    refusal: 'sms_limit_reached',
  },
  messagesPerPoolHour: {
    setting: 'MESSAGES_PER_POOL_HOUR',
    settable: 'count',
    count: 50_000,
    windowSeconds: 3600,
    about: 'Messages of providers that all applications of a pool may ask for in an hour.',
    countedBy: 'pool',
    refusal: 'sms_limit_reached',
  },
  lookupsPerIpHour: {
    setting: 'LOOKUPS_PER_IP_HOUR',
    settable: 'count',
    count: 100,
    windowSeconds: 3600,
    about:
      'Numbers that a lookup service is asked about for one client address, in an hour; the next get their messages without a lookup.',
    countedBy: 'client address: IPv4, or the /64 of IPv6',
    refusal: undefined,
  },
  lookupsPerPoolHour: {
    setting: 'LOOKUPS_PER_POOL_HOUR',
    settable: 'count',
    count: 5000,
    windowSeconds: 3600,
    about:
      'Numbers that a lookup service is asked about for a pool, in an hour; the next get their messages without a lookup.',
    countedBy: 'pool',
    refusal: undefined,
  },
  testMessagesHour: {
    setting: 'TEST_MESSAGES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Test messages that the administrators of a pool may send in an hour.',
    countedBy: 'pool',
    refusal: 'sms_limit_reached',
  },
  captchasPerIpHour: {
    setting: 'CAPTCHAS_PER_IP_HOUR',
    settable: 'count',
    count: 200,
    windowSeconds: 3600,
    about: 'Captchas that one client address (IPv4, or IPv6 /64) may ask for in an hour.',
    countedBy: 'client address: IPv4, or the /64 of IPv6',
    refusal: 'captcha_limit_reached',
  },
  attemptsPerPasscode: {
    setting: 'PASSCODE_ATTEMPTS',
    settable: 'count',
    count: 5,
    windowSeconds: 600,
    about: 'Guesses at one passcode, the right one included, for as long as it lives.',
    countedBy: 'passcode',
    refusal: 'passcode_attempts_exceeded',
  },
  passcodeFailuresHour: {
    setting: 'PASSCODE_FAILURES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Wrong passcodes for one number (or email address), and for one account, in an hour.',
    countedBy: 'recipient for strangers; account for a signed-in user',
    refusal: 'passcode_attempts_exceeded',
  },
  passwordFailuresHour: {
    setting: 'PASSWORD_FAILURES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Wrong passwords for one identifier from one client address in an hour.',
    countedBy: 'identifier and client address',
    refusal: 'account_locked',
  },
  signInFailuresBeforeCaptcha: {
    setting: 'SIGN_IN_FAILURES_BEFORE_CAPTCHA',
    settable: 'count',
    count: 5,
    windowSeconds: 3600,
    about:
      'Wrong passwords for one identifier from one client address in an hour, before a captcha is asked for.',
    countedBy: 'identifier and client address',
    refusal: 'captcha_required',
  },
  identifierFailuresBeforeCaptcha: {
    setting: 'IDENTIFIER_FAILURES_BEFORE_CAPTCHA',
    settable: 'count',
    count: 50,
    windowSeconds: 3600,
    about: 'Wrong passwords for one identifier from all addresses in an hour, before a captcha is asked for.',
    countedBy: 'identifier',
    refusal: 'captcha_required',
  },
  factorFailuresHour: {
    setting: 'FACTOR_FAILURES_HOUR',
    settable: 'count',
    count: 10,
    windowSeconds: 3600,
    about: 'Wrong codes of the authenticator app, and wrong recovery codes, of one account in an hour.',
    countedBy: 'account',
    refusal: 'passcode_attempts_exceeded',
  },
  accountChangesHour: {
    setting: 'ACCOUNT_CHANGES_HOUR',
    settable: 'count',
    count: 10,
    windowSeconds: 3600,
    about: 'Changes of the password and the email address of one account in an hour: each is told by SMS.',
    countedBy: 'account; resets of the password by a code apart',
    refusal: 'sms_limit_reached',
  },
  administratorSignInFailuresHour: {
    setting: 'ADMINISTRATOR_SIGN_IN_FAILURES_HOUR',
    settable: 'count',
    count: 20,
    windowSeconds: 3600,
    about: 'Wrong passwords for one administrator from one client address (IPv4, or IPv6 /64) in an hour.',
    countedBy: 'administrator and client address: IPv4, or the /64 of IPv6',
    refusal: 'account_locked',
  },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof limits

/** The limits in force: the counts of the settings, the windows of the table above. */
export type Limits = { readonly [Name in LimitName]: Limit }

/** What a route says where no count is kept, with the reason: saying nothing is an error at boot. */
export type Unlimited = { unlimited: string }
export const unlimited = (reason: string): Unlimited => ({ unlimited: reason })
