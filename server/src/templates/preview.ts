// A template as a phone or a mail program would show it, with what it costs.
import { ApiError } from '../api-codes.ts'
import type { Applications } from '../applications/applications.ts'
import type { Config } from '../config.ts'
import { amountOf } from '../core/money.ts'
import type { Guard } from '../guard/guard.ts'
import { toLetter } from '../mail/mail.ts'
import { channelOf, costOf, isInboxRoute, type Routing } from '../routing/routing.ts'
import {
  carriesLink,
  countSegments,
  type MessageChannel,
  type RenderRequest,
  type Templates,
  unsupportedCharacters,
} from './templates.ts'

export type WantedPreview = {
  channel: MessageChannel
  locale: string
  region: string
  purpose: string
  /** Undefined: the template that the pool has. */
  text: string | undefined
  /** Of an email; undefined: the one that the pool has, or the built-in one. */
  subject: string | undefined
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

/** "Perform SMS Verification on a Server" (SMS Retriever API); in which encoding it does not say. */
const androidBytes = 140

const anyPurpose = 'sign_in'

const sampleLink = 'https://login.example.com/account/verify-email/a-token-of-no-use'

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

  const asLetter = async (request: RenderRequest, text: string, subject: string | undefined) =>
    toLetter({
      subject: await templates.renderSubject({ ...request, subject }),
      text,
      locale: request.locale,
      ...(request.link === undefined
        ? { code: request.code }
        : { link: { url: request.link, label: templates.linkLabel(request.locale) } }),
    })

  /** @throws ApiError request_invalid naming the field; record_not_found where there is no such application */
  return async (poolId: string, wanted: WantedPreview) => {
    const { channel, locale, region, purpose, applicationId } = wanted
    const isLink = carriesLink(channel, purpose)
    const kept = templates.requireTemplate({
      channel,
      locale,
      region,
      purpose,
      text: wanted.text ?? (isLink ? '{{link}}' : '{{code}}'),
      ...(wanted.subject !== undefined && { subject: wanted.subject }),
    })
    const application = (await applications.list(poolId)).find(
      ({ id }) => applicationId === undefined || id === applicationId,
    )
    if (application === undefined) throw new ApiError('record_not_found', 'no such application')
    const request: RenderRequest = {
      poolId,
      channel,
      locale: kept.locale,
      region: region || undefined,
      purpose: purpose || anyPurpose,
      code: '123456789'.slice(0, config.passcodeLength),
      link: isLink ? sampleLink : undefined,
      minutes: Math.round(config.passcodeTtlSeconds / 60),
      app: application.name,
      webOtpHost: application.webOtpHost,
      androidHash: application.androidSmsHash,
      text: wanted.text === undefined ? undefined : kept.text,
    }
    const text = await templates.render(request)
    if (channel === 'email') return { ...(await asLetter(request, text, kept.subject)), costs: [] }
    if (channel !== 'sms') return { text, costs: await costsOf(poolId, channel, 1) }
    const counted = countSegments(text)
    return {
      text,
      ...counted,
      ...readingOf(text, request.androidHash),
      unsupportedCharacters: unsupportedCharacters(text),
      costs: await costsOf(poolId, channel, counted.segments),
    }
  }
}

/** A longer one Android passes to no app, and tells nobody. */
const readingOf = (
  text: string,
  androidHash: string | undefined,
): { bytes: number; fitsAndroid?: boolean } => {
  const bytes = Buffer.byteLength(text)
  return { bytes, ...(androidHash !== undefined && { fitsAndroid: bytes <= androidBytes }) }
}
