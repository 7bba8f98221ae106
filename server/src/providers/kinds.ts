// The kinds of provider that exist.
import type { Static, TObject } from 'typebox'
import { aliyunKind } from './aliyun/aliyun.ts'
import { genericKind } from './generic/generic.ts'
import type { Provider, ProviderDeps, ProviderKind } from './provider.ts'
import { smppKind } from './smpp/smpp.ts'
import { snsKind } from './sns/sns.ts'
import { tencentKind } from './tencent/tencent.ts'
import { twilioKind } from './twilio/twilio.ts'
import { vonageKind } from './vonage/vonage.ts'

export const providerKinds = {
  aliyun: aliyunKind,
  tencent: tencentKind,
  twilio: twilioKind,
  sns: snsKind,
  vonage: vonageKind,
  generic: genericKind,
  smpp: smppKind,
} as const

export type ProviderKindName = keyof typeof providerKinds

/** Every kind has settings of its own; here they are an object that its schema has let through. */
export const kindOf = (name: ProviderKindName): ProviderKind => providerKinds[name] as unknown as ProviderKind

/** A provider of this kind, with settings that fit its schema. */
export const connectProvider = <Name extends ProviderKindName>(
  name: Name,
  settings: Static<(typeof providerKinds)[Name]['settings']>,
  deps: ProviderDeps,
): Provider => kindOf(name).connect(settings as Static<TObject>, deps)

/** Those that report over a connection of their own, which is to stand whether or not anything is sent. */
export const connectedKinds: readonly string[] = Object.entries(providerKinds)
  .filter(([, kind]) => (kind.receipts as readonly string[]).includes('connection'))
  .map(([name]) => name)
