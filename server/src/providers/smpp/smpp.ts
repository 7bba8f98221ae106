// Any operator or aggregator that speaks SMPP 3.4 (docs/guides/providers/smpp.md).
//
// What must stay true: one session per process carries all its sends; a receipt is acknowledged only when it has been
// taken; the password stays in the bind.
import { randomInteger } from '../../core/crypto.ts'
import { CallFailed, outcomeOf } from '../http.ts'
import { defineProvider, type OutgoingMessage, type Provider, type ProviderDeps } from '../provider.ts'
import type { SmppFields } from './library.ts'
import { keepSession } from './link.ts'
import { createPartGroups, readMessageId, readReceipt } from './receipts.ts'
import { openSession, refusalOf } from './session.ts'
import { SmppSettings } from './settings.ts'
import { encodeParts, encodeWhole } from './text.ts'

export const smppKind = defineProvider({
  title: 'SMPP 3.4',
  channels: ['sms'],
  settings: SmppSettings,
  secrets: ['password'],
  idempotent: false,
  receipts: ['connection'],
  connect: (settings, deps) => connectSmpp(settings, deps),
})

const connectSmpp = (settings: SmppSettings, deps: ProviderDeps): Provider => {
  const log = deps.log.child({ provider: deps.name })
  const idForm = settings.messageIds ?? 'same'
  const groups = createPartGroups()

  const link = keepSession(
    (signal) =>
      openSession(
        {
          host: settings.host,
          port: settings.port,
          tls: settings.tls ?? false,
          tlsCertificate: settings.tlsCertificate,
          bind: {
            system_id: settings.systemId,
            password: settings.password,
            system_type: settings.systemType ?? '',
            interface_version: 0x34,
          },
          window: settings.window ?? 10,
          enquireLinkSeconds: settings.enquireLinkSeconds ?? 30,
        },
        {
          log,
          take: async (pdu) => {
            const receipt = readReceipt(pdu, idForm)
            const joined = receipt === undefined ? undefined : groups.join(receipt)
            if (joined !== undefined) await deps.takeReceipts([joined])
          },
        },
        signal,
      ),
    log,
  )

  return {
    send: (message, signal) =>
      outcomeOf(async () => {
        const parts = compose(message, settings)
        const session = await failing(link.session(signal), { maybeSent: false })
        const addPart = groups.open(parts.length)
        const ids: string[] = []
        for (const fields of parts) {
          const reply = await failing(session.submit(fields, signal), { maybeSent: true })
          if (reply.command_status !== 0) {
            const { reason, message: code } = refusalOf(reply.command_status, settings.failureCodes)
            // Of a long text the parts before are on their way.
            throw new CallFailed(reason, code, ids.length > 0 || undefined)
          }
          // A server that gives no receipts may give no id.
          const id = reply.message_id ? readMessageId(reply.message_id, idForm, 'reply') : message.id
          addPart(id)
          ids.push(id)
        }
        return { outcome: 'accepted', providerMessageId: ids[0] ?? message.id, segments: parts.length }
      }),
    close: () => link.close(),
  }
}

/** The same, and a failure says whether the message may have gone out. */
const failing = async <T>(call: Promise<T>, { maybeSent }: { maybeSent: boolean }): Promise<T> => {
  try {
    return await call
  } catch (error) {
    throw error instanceof CallFailed ? new CallFailed(error.reason, error.message, maybeSent) : error
  }
}

/** The fields of each submit_sm that the message takes. @throws CallFailed when it cannot be written down */
const compose = (message: OutgoingMessage, settings: SmppSettings): SmppFields[] => {
  const header = {
    service_type: settings.serviceType ?? '',
    ...senderOf(message.from ?? settings.sender ?? '', settings),
    dest_addr_ton: ton.international,
    dest_addr_npi: npi.isdn,
    destination_addr: message.to.slice(1),
    registered_delivery: finalReceipt,
    validity_period: settings.validityMinutes === undefined ? '' : relativeTime(settings.validityMinutes),
  }
  const encoded = encodeParts(message.text, randomInteger(256))
  if (encoded === undefined) throw new CallFailed('content_rejected', 'text too long')

  const { parts, dataCoding, hasHeader } = encoded
  if (parts.length > 1 && settings.longTexts === 'message_payload') {
    const whole = encodeWhole(message.text)
    return [
      {
        ...header,
        data_coding: whole.dataCoding,
        short_message: Buffer.alloc(0),
        message_payload: Buffer.concat(whole.parts),
      },
    ]
  }
  return parts.map((part) => ({
    ...header,
    esm_class: hasHeader ? udhIndicator : 0,
    data_coding: dataCoding,
    short_message: part,
  }))
}

// SMPP 3.4, sections 5.2.5, 5.2.6, 5.2.12 and 5.2.17.
const ton = { unknown: 0, international: 1, networkSpecific: 3, alphanumeric: 5 } as const
const npi = { unknown: 0, isdn: 1 } as const
const udhIndicator = 0x40
const finalReceipt = 1

/** `0000DDhhmm00000R`: so long from now (SMPP 3.4, section 7.1.1.2). */
const relativeTime = (minutes: number): string => {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return `0000${two(minutes / 1440)}${two((minutes / 60) % 24)}${two(minutes % 60)}00000R`
}

/** @throws CallFailed when no address field holds the sender */
const senderOf = (sender: string, settings: SmppSettings): SmppFields => {
  if (!/^[\x20-\x7e]{0,20}$/.test(sender)) throw new CallFailed('sender_not_approved', 'not an SMPP address')
  const form = formOf(sender)
  return {
    source_addr_ton: settings.senderTon ?? form.ton,
    source_addr_npi: settings.senderNpi ?? form.npi,
    source_addr: sender.replace(/^\+/, ''),
  }
}

const formOf = (sender: string): { ton: number; npi: number } => {
  if (sender === '') return { ton: ton.unknown, npi: npi.unknown }
  if (/^\d{1,8}$/.test(sender)) return { ton: ton.networkSpecific, npi: npi.unknown }
  if (/^\+?\d+$/.test(sender)) return { ton: ton.international, npi: npi.isdn }
  return { ton: ton.alphanumeric, npi: npi.unknown }
}
