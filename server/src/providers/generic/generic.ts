// Any gateway that takes a message in one HTTP request, described by settings (docs/guides/providers/generic.md).
//
// What must stay true: what an administrator did not name is not guessed; a receipt counts only with the token that we
// made for this provider, since a gateway that we do not know signs nothing.

import { callProvider, outcomeOf, type ProviderReply, reasonOfStatus } from '../http.ts'
import {
  defineProvider,
  type OutgoingMessage,
  type Provider,
  type Receipt,
  type ReceiptCall,
  type ReceiptReply,
  type SendOutcome,
} from '../provider.ts'
import { codeOf, idOf, valueAt, valueIn } from './reply.ts'
import { checkSettings, GenericSettings, type ReceiptPlace } from './settings.ts'
import { encodingOf, encodings, fill, valuesOf } from './template.ts'

export const genericKind = defineProvider({
  title: 'HTTP gateway',
  channels: ['sms'],
  settings: GenericSettings,
  secrets: ['headers', 'secrets'],
  idempotent: ({ idempotencyHeader }) => idempotencyHeader !== undefined,
  receipts: ['token'],
  connect: (settings) => connectGeneric(settings),
})

/** @throws Error when the settings do not fit together */
const connectGeneric = (settings: GenericSettings): Provider => {
  checkSettings(settings)
  const { receipts } = settings
  return {
    send: (message, signal) =>
      outcomeOf(async () => {
        if (message.isNotice && !takesText(settings))
          return { outcome: 'refused', reason: 'template_not_approved', code: 'no text in the template' }
        const { url, init } = requestOf(message, settings)
        const reply = await callProvider(url, { ...init, signal })
        return readReply(reply, message, settings)
      }),
    ...(receipts === undefined
      ? {}
      : { readReceipts: async (call) => readReceipt(call, settings, receipts) }),
  }
}

/** A gateway that is given the code alone makes its own text of it, and has none for anything else. */
const takesText = ({ url, headers = {}, body = '' }: GenericSettings): boolean =>
  [url, body, ...Object.values(headers)].some((template) => /\{\{\s*text\s*\}\}/.test(template))

const requestOf = (
  message: OutgoingMessage,
  settings: GenericSettings,
): { url: string; init: RequestInit } => {
  const { body, contentType = 'application/json', idempotencyHeader } = settings
  const values = valuesOf(message, message.from ?? settings.sender ?? '', settings.secrets ?? {})
  const headers = new Headers(body === undefined ? {} : { 'content-type': contentType })
  for (const [name, template] of Object.entries(settings.headers ?? {})) {
    headers.set(name, fill(template, values, encodings.inHeader))
  }
  if (idempotencyHeader !== undefined) headers.set(idempotencyHeader, message.id)
  return {
    url: fill(settings.url, values, encodings.inUrl),
    init: {
      method: settings.method ?? 'POST',
      headers,
      ...(body === undefined ? {} : { body: fill(body, values, encodingOf(contentType)) }),
    },
  }
}

const readReply = (
  reply: ProviderReply,
  message: OutgoingMessage,
  settings: GenericSettings,
): SendOutcome => {
  if (isSuccess(reply, settings.success)) {
    const { messageId } = settings
    const id = messageId === undefined ? undefined : idOf(valueIn(reply, messageId))
    // Without one the gateway reports under the id that we gave it, or not at all.
    return { outcome: 'accepted', providerMessageId: id ?? message.id }
  }
  const { failureCode, failureCodes = {} } = settings
  const status = String(reply.status)
  const told = failureCode === undefined ? undefined : valueIn(reply, failureCode)
  const documented = [told, status].find((code) => code !== undefined && Object.hasOwn(failureCodes, code))
  return {
    outcome: 'refused',
    reason:
      (documented === undefined ? undefined : failureCodes[documented]) ??
      (reply.status < 400 ? 'request_rejected' : reasonOfStatus(reply.status)),
    code: codeOf(told, [message.to.slice(1), message.parameters.code]) ?? `http ${status}`,
  }
}

const isSuccess = (reply: ProviderReply, success: GenericSettings['success'] = {}): boolean => {
  const { statuses, bodyIncludes, jsonPath, equals } = success
  const hasStatus =
    statuses === undefined ? reply.status >= 200 && reply.status < 300 : statuses.includes(reply.status)
  if (!hasStatus) return false
  if (bodyIncludes !== undefined && !reply.text.includes(bodyIncludes)) return false
  if (jsonPath === undefined) return true
  const value = valueAt(reply.json, jsonPath)
  return equals === undefined ? value !== undefined : value === equals
}

type ReceiptSettings = Exclude<GenericSettings['receipts'], undefined>

const readReceipt = (
  call: ReceiptCall,
  settings: GenericSettings,
  receipts: ReceiptSettings,
): ReceiptReply | undefined => {
  if (!call.hasToken) return undefined
  const read = readerOf(call)
  const providerMessageId = idOf(read(receipts.id))
  const word = read(receipts.state)
  if (providerMessageId === undefined || word === undefined) return undefined

  const code = receipts.code === undefined ? word : read(receipts.code)
  const receipt: Receipt = { providerMessageId, ...outcomeOfState(word, code, settings, receipts) }
  return {
    receipts: [receipt],
    reply: { status: 200, contentType: 'text/plain; charset=utf-8', body: receipts.reply ?? '' },
  }
}

const outcomeOfState = (
  word: string,
  told: string | undefined,
  { failureCodes = {} }: GenericSettings,
  receipts: ReceiptSettings,
): Omit<Receipt, 'providerMessageId'> => {
  if (receipts.delivered.includes(word)) return { state: 'delivered' }
  if (!receipts.failed.includes(word)) return { state: 'sent' }
  const documented = told !== undefined && Object.hasOwn(failureCodes, told) ? failureCodes[told] : undefined
  const code = codeOf(told)
  return { state: 'failed', reason: documented ?? 'unknown', ...(code === undefined ? {} : { code }) }
}

/** Reads a field of the call, whichever part of it is asked for. */
const readerOf = (call: ReceiptCall): ((place: ReceiptPlace) => string | undefined) => {
  const body = call.body.toString('utf8')
  return (place) => {
    if ('query' in place)
      return new URL(call.url, 'http://localhost').searchParams.get(place.query) ?? undefined
    if ('form' in place) return new URLSearchParams(body).get(place.form) ?? undefined
    return valueAt(parseJson(body), place.jsonPath)
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
