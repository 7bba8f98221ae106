// A template as a phone would show it, with what it costs.
import { ApiError } from '../api-codes.ts'
import type { Applications } from '../applications/applications.ts'
import type { Config } from '../config.ts'
import { amountOf } from '../core/money.ts'
import type { Guard } from '../guard/guard.ts'
import { channelOf, costOf, isInboxRoute, type Routing } from '../routing/routing.ts'
import { countSegments, type MessageChannel, type Templates, unsupportedCharacters } from './templates.ts'

export type WantedPreview = {
  channel: MessageChannel
  locale: string
  region: string
  purpose: string
  /** Undefined: the template that the pool has. */
  text: string | undefined
  /** Undefined: the first of the pool. */
  applicationId: string | undefined
}

export type PreviewDeps = {
  applications: Applications
  templates: Templates
  routing: Routing
  guard: Guard
  config: Pick<Config, 'passcodeLength' | 'passcodeTtlSeconds'>
}

const anyPurpose = 'sign_in'

export const createTemplatePreview = ({ applications, templates, routing, guard, config }: PreviewDeps) => {
  const costsOf = async (poolId: string, channel: MessageChannel, segments: number) => {
    const { budget } = await guard.policyOf(poolId)
    const routes = (await routing.list(poolId)).filter((route) => !isInboxRoute(route))
    return routes.flatMap((route) =>
      route.steps
        .filter((step) => channelOf(step) === channel)
        .map((step) => ({
          route: route.name,
          provider: step.provider,
          amount: amountOf(costOf(step, segments, budget.assumedPrice)),
          currency: budget.currency,
        })),
    )
  }

  /** @throws ApiError request_invalid naming the field; record_not_found where there is no such application */
  return async (poolId: string, wanted: WantedPreview) => {
    const { channel, locale, region, purpose, applicationId } = wanted
    const kept = templates.requireTemplate({
      channel,
      locale,
      region,
      purpose,
      text: wanted.text ?? '{{code}}',
    })
    const application = (await applications.list(poolId)).find(
      ({ id }) => applicationId === undefined || id === applicationId,
    )
    if (application === undefined) throw new ApiError('record_not_found', 'no such application')
    const text = await templates.render({
      poolId,
      channel,
      locale: kept.locale,
      region: region || undefined,
      purpose: purpose || anyPurpose,
      code: '123456789'.slice(0, config.passcodeLength),
      minutes: Math.round(config.passcodeTtlSeconds / 60),
      app: application.name,
      webOtpHost: application.webOtpHost,
      androidHash: application.androidSmsHash,
      text: wanted.text === undefined ? undefined : kept.text,
    })
    if (channel !== 'sms') return { text, costs: await costsOf(poolId, channel, 1) }
    const counted = countSegments(text)
    return {
      text,
      ...counted,
      unsupportedCharacters: unsupportedCharacters(text),
      costs: await costsOf(poolId, channel, counted.segments),
    }
  }
}
