// An SMPP 3.4 server, as an operator runs one: binds, submits of whole texts and of parts, delivery receipts.
//
// What must stay true: whatever a client sends, other clients are served; a text in parts is one message on the phone;
// a receipt for a customer who is not bound waits for the next bind.
import { randomUUID } from 'node:crypto'
import type { ReceiptState, Trouble, World } from './service.ts'
import { type SmppFields, type SmppPdu, type SmppPeer, smpp } from './smpp-library.ts'
import { createJoiner, type Part, readPart } from './smpp-parts.ts'

type Session = { peer: SmppPeer; bound: 'transmitter' | 'receiver' | 'transceiver' | undefined }

const { errors, PDU } = smpp

export const startSmpp = async (
  world: World,
  options: { host: string; port: number },
): Promise<{ port: number; stop(): Promise<void> }> => {
  const sessions = new Set<Session>()
  const receipts = createReceipts(sessions)
  const join = createJoiner()

  const server = smpp.createServer((peer) => {
    const session: Session = { peer, bound: undefined }
    sessions.add(session)
    peer.on('close', () => sessions.delete(session))
    // Octets that are no SMPP: the library reads nothing more from this client.
    peer.on('error', () => {
      sessions.delete(session)
      peer.destroy()
    })
    peer.on('pdu', (pdu) => {
      if (pdu.isResponse()) return
      serve({ world, session, receipts, join }, pdu).catch(() => peer.destroy())
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const { peer } of sessions) peer.destroy()
      }),
  }
}

type Scene = {
  world: World
  session: Session
  receipts: ReturnType<typeof createReceipts>
  join: (part: Part) => Part[] | undefined
}

const serve = async (scene: Scene, pdu: SmppPdu): Promise<void> => {
  const { peer, bound } = scene.session
  switch (pdu.command) {
    case 'bind_transmitter':
      return bind(scene, pdu, 'transmitter')
    case 'bind_receiver':
      return bind(scene, pdu, 'receiver')
    case 'bind_transceiver':
      return bind(scene, pdu, 'transceiver')
    case 'submit_sm': {
      const status = bound === undefined || bound === 'receiver' ? errors['ESME_RINVBNDSTS'] : undefined
      return status === undefined
        ? submit(scene, pdu)
        : answer(peer, pdu.response({ command_status: status }))
    }
    case 'unbind':
      answer(peer, pdu.response())
      return peer.close()
    case 'enquire_link':
      return answer(peer, pdu.response())
    default: {
      const { sequence_number } = pdu
      return answer(
        peer,
        new PDU('generic_nack', { command_status: statusOf('ESME_RINVCMDID'), sequence_number }),
      )
    }
  }
}

const bindFaultOf = ({ world, session }: Scene, pdu: SmppPdu): string | undefined => {
  const { systemId, password } = world.accounts.smpp
  if (session.bound !== undefined) return 'ESME_RALYBND'
  if (pdu.system_id !== systemId) return 'ESME_RINVSYSID'
  return pdu.password === password ? undefined : 'ESME_RINVPASWD'
}

const bind = (scene: Scene, pdu: SmppPdu, as: Exclude<Session['bound'], undefined>): void => {
  const { session, receipts } = scene
  const fault = bindFaultOf(scene, pdu)
  if (fault === undefined) session.bound = as
  answer(
    session.peer,
    pdu.response(fault === undefined ? { system_id: 'emulator' } : { command_status: statusOf(fault) }),
  )
  if (fault === undefined) receipts.giveWaiting()
}

const submit = async ({ world, session, receipts, join }: Scene, pdu: SmppPdu): Promise<void> => {
  const { peer } = session
  const trouble = await world.troubleOf('smpp')
  if (trouble !== undefined) return answer(peer, pdu.response({ command_status: statusOfTrouble(trouble) }))
  if (!/^\+?\d{4,15}$/.test(pdu.destination_addr ?? '')) {
    return answer(peer, pdu.response({ command_status: statusOf('ESME_RINVDSTADR') }))
  }

  const id = randomUUID()
  const part = readPart(pdu, id)
  answer(peer, pdu.response({ message_id: id }))
  const parts = join(part)
  if (parts === undefined) return
  world.accept({
    id: parts[0]?.id ?? id,
    to: part.to,
    from: part.from,
    text: parts.map(({ text }) => text).join(''),
    service: 'smpp',
    channel: 'sms',
    report: async (state, errorCode) => {
      await Promise.all(parts.map((each) => receipts.give(each, state, errorCode)))
    },
  })
}

const answer = (peer: SmppPeer, pdu: SmppPdu): void => {
  peer.send(pdu)
}

const statusOf = (name: string): number => errors[name] ?? Number.NaN

/** `refuse` names a status (ESME_RINVDSTADR) or gives its number (0x0443). */
const statusOfTrouble = (trouble: Trouble): number => {
  if (trouble.kind === 'throttle') return statusOf('ESME_RTHROTTLED')
  if (trouble.kind === 'http_500') return statusOf('ESME_RSYSERR')
  return errors[trouble.code] ?? (Number(trouble.code) || statusOf('ESME_RSUBMITFAIL'))
}

const answerSeconds = 5

/** Receipts as SMPP 3.4, Appendix B and section 4.6 describe them, over any session that may receive. */
const createReceipts = (sessions: ReadonlySet<Session>) => {
  const waiting: SmppFields[] = []

  const receiver = () =>
    [...sessions].find(({ bound }) => bound === 'transceiver' || bound === 'receiver')?.peer

  const deliver = (peer: SmppPeer, fields: SmppFields): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no deliver_sm_resp')), answerSeconds * 1000)
      peer.deliver_sm(fields, ({ command_status }) => {
        clearTimeout(timer)
        if (command_status === 0) resolve()
        else reject(new Error(`deliver_sm_resp has the status ${command_status}`))
      })
    })

  return {
    /** @throws when the customer does not take it */
    give: async (part: Part, state: ReceiptState, errorCode?: string): Promise<void> => {
      if (!wantsReceipt(part.registeredDelivery, state)) return
      const fields = receiptOf(part, state, errorCode)
      const peer = receiver()
      if (peer === undefined) waiting.push(fields)
      else await deliver(peer, fields)
    },
    giveWaiting: (): void => {
      const peer = receiver()
      if (peer === undefined) return
      // What is not taken now is lost, as at an operator whose queue is short.
      for (const fields of waiting.splice(0)) deliver(peer, fields).catch(() => {})
    },
  }
}

/** registered_delivery, bits 1 and 0 (section 5.2.17): 1 any outcome, 2 failures only. */
const wantsReceipt = (registeredDelivery: number, state: ReceiptState): boolean => {
  const wanted = registeredDelivery & 3
  return wanted === 1 || (wanted === 2 && state === 'failed')
}

/** message_state by the word of the receipt's text (section 5.2.28). */
const states: Readonly<Record<string, number>> = {
  DELIVRD: 2,
  EXPIRED: 3,
  DELETED: 4,
  UNDELIV: 5,
  ACCEPTD: 6,
  UNKNOWN: 7,
  REJECTD: 8,
}

/** A failure's code is a state (EXPIRED), or the number after `err:` of an UNDELIV. */
const receiptOf = (part: Part, state: ReceiptState, code = ''): SmppFields => {
  const word = state === 'delivered' ? 'DELIVRD' : code in states ? code : 'UNDELIV'
  const error = state === 'delivered' || code in states || code === '' ? '000' : code
  const time = new Date().toISOString().replace(/\D/g, '').slice(2, 12)
  const done = state === 'delivered' ? '001' : '000'
  return {
    source_addr_ton: 1,
    source_addr_npi: 1,
    source_addr: part.to.slice(1),
    dest_addr_ton: part.fromTon,
    destination_addr: part.from.replace(/^\+/, ''),
    esm_class: 0x04,
    data_coding: 0,
    short_message: Buffer.from(
      `id:${part.id} sub:001 dlvrd:${done} submit date:${time} done date:${time} stat:${word} err:${error} text:`,
    ),
    receipted_message_id: part.id,
    message_state: states[word] ?? 0,
  }
}
