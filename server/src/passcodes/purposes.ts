// What a passcode is for: one row a purpose, with the name that the wire gives it and whom a message is sent to.

import type { Application } from '../applications/applications.ts'

/**
 * `anyone`: every number gets the message. `known`: only a number (or address) that a user of the pool has; for a
 * signed-in sender, only the own. `known_or_sign_up`: as `known`, unless the application takes new users, to whom a
 * sign-in code opens an account (`autoRegister`). The reply is the same in every case (rule 10).
 */
type Audience = 'anyone' | 'known' | 'known_or_sign_up'

type PurposeRow = {
  sms?: `CHANNEL_${string}`
  email?: `CHANNEL_${string}`
  sentTo: Audience
  /**
   * Consumed by a call that knows no user, such as sign-in. Clients send the token that they have with every call, so
   * that such a code is nobody's own even where a signed-in user asked for it: it belongs to the number alone.
   */
  beforeSignIn?: true
  en: string
  zh: string
}

export const purposes = {
  sign_in: {
    sms: 'CHANNEL_LOGIN',
    email: 'CHANNEL_LOGIN',
    sentTo: 'known_or_sign_up',
    beforeSignIn: true,
    en: 'sign in',
    zh: '登录',
  },
  sign_up: {
    sms: 'CHANNEL_REGISTER',
    email: 'CHANNEL_REGISTER',
    sentTo: 'anyone',
    beforeSignIn: true,
    en: 'sign up',
    zh: '注册',
  },
  reset_password: {
    sms: 'CHANNEL_RESET_PASSWORD',
    email: 'CHANNEL_RESET_PASSWORD',
    sentTo: 'known',
    beforeSignIn: true,
    en: 'reset your password',
    zh: '重置密码',
  },
  bind_phone: { sms: 'CHANNEL_BIND_PHONE', sentTo: 'anyone', en: 'bind this phone', zh: '绑定手机号' },
  unbind_phone: { sms: 'CHANNEL_UNBIND_PHONE', sentTo: 'known', en: 'unbind this phone', zh: '解绑手机号' },
  enroll_factor: {
    sms: 'CHANNEL_BIND_MFA',
    sentTo: 'anyone',
    en: 'set up a second factor',
    zh: '绑定多因素认证',
  },
  verify_factor: {
    sms: 'CHANNEL_VERIFY_MFA',
    email: 'CHANNEL_VERIFY_MFA',
    sentTo: 'known',
    en: 'confirm that it is you',
    zh: '验证身份',
  },
  remove_factor: {
    sms: 'CHANNEL_UNBIND_MFA',
    sentTo: 'known',
    en: 'remove a second factor',
    zh: '解绑多因素认证',
  },
  complete_phone: {
    sms: 'CHANNEL_COMPLETE_PHONE',
    sentTo: 'anyone',
    beforeSignIn: true,
    en: 'confirm your phone',
    zh: '补全手机号',
  },
  verify_identity: {
    sms: 'CHANNEL_IDENTITY_VERIFICATION',
    sentTo: 'anyone',
    en: 'confirm your identity',
    zh: '验证真实身份',
  },
  delete_account: {
    sms: 'CHANNEL_DELETE_ACCOUNT',
    email: 'CHANNEL_DELETE_ACCOUNT',
    sentTo: 'known',
    en: 'delete your account',
    zh: '注销账号',
  },
  verify_email: {
    email: 'CHANNEL_VERIFY_EMAIL_LINK',
    sentTo: 'known',
    en: 'confirm your email address',
    zh: '验证邮箱',
  },
  change_email: {
    email: 'CHANNEL_UPDATE_EMAIL',
    sentTo: 'anyone',
    en: 'change your email address',
    zh: '修改邮箱',
  },
  bind_email: {
    email: 'CHANNEL_BIND_EMAIL',
    sentTo: 'anyone',
    en: 'bind this email address',
    zh: '绑定邮箱',
  },
  unbind_email: {
    email: 'CHANNEL_UNBIND_EMAIL',
    sentTo: 'known',
    en: 'unbind this email address',
    zh: '解绑邮箱',
  },
  unlock_account: {
    email: 'CHANNEL_UNLOCK_ACCOUNT',
    sentTo: 'known',
    beforeSignIn: true,
    en: 'unlock your account',
    zh: '解锁账号',
  },
  complete_email: {
    email: 'CHANNEL_COMPLETE_EMAIL',
    sentTo: 'anyone',
    beforeSignIn: true,
    en: 'confirm your email address',
    zh: '补全邮箱',
  },
} as const satisfies Record<string, PurposeRow>

export type Purpose = keyof typeof purposes

/** How a passcode travels. */
export type Channel = 'sms' | 'email'

const rows = Object.entries(purposes) as [Purpose, PurposeRow][]

const purposeByWireChannel: Record<Channel, ReadonlyMap<string, Purpose>> = {
  sms: new Map(rows.flatMap(([purpose, row]) => (row.sms === undefined ? [] : [[row.sms, purpose]]))),
  email: new Map(rows.flatMap(([purpose, row]) => (row.email === undefined ? [] : [[row.email, purpose]]))),
}

/** The wire's names of all purposes that travel by this channel. */
export const wireChannelsOf = (channel: Channel): string[] => [...purposeByWireChannel[channel].keys()]

export const purposeOf = (channel: Channel, wireChannel: string): Purpose | undefined =>
  purposeByWireChannel[channel].get(wireChannel)

export const wireChannelOf = (channel: Channel, purpose: Purpose): string =>
  (purposes[purpose] as PurposeRow)[channel] ?? purpose

/** Whether a code of this purpose belongs to the signed-in user who asked for it (rule 6). */
export const belongsToSender = (purpose: Purpose): boolean =>
  (purposes[purpose] as PurposeRow).beforeSignIn !== true

/** Whether only a number (or address) that a user has gets a message; who asks must not learn which (rule 10). */
export const isSentToKnownOnly = (purpose: Purpose, application: Application): boolean => {
  const { sentTo } = purposes[purpose]
  return sentTo === 'known' || (sentTo === 'known_or_sign_up' && !application.signUpEnabled)
}
