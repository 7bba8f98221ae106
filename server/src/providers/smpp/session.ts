// One bound connection to an SMPP server: requests with their answers, what the server sends of itself, and its end.
//
// What must stay true: no octet that a server sends, and no silence, ends the process or holds a request past its
// signal; every request comes to an end when the connection does; what could not be taken in is not acknowledged, so
// that the server sends it again.
import { isIP } from 'node:net'
import type { Log } from '../../core/log.ts'
import type { FailureReason } from '../failures.ts'
import { CallFailed } from '../http.ts'
import { loadSmpp, type SmppConnection, type SmppFields, type SmppPdu } from './library.ts'
import { readStatus, statuses } from './status.ts'

export type SessionSettings = {
  host: string
  port: number
  tls: boolean
  tlsCertificate: string | undefined
  bind: SmppFields
  /** How many submits may wait for their answers at once. */
  window: number
  enquireLinkSeconds: number
}

export type SessionDeps = {
  log: Log
  /** Takes a deliver_sm or data_sm. @throws when it is to come again */
  take(pdu: SmppPdu): Promise<void>
}

export type SmppSession = {
  /** The answer to a submit_sm, whatever its status. @throws CallFailed when none comes */
  submit(fields: SmppFields, signal: AbortSignal): Promise<SmppPdu>
  /** Whether requests can still be written. */
  isOpen(): boolean
  /** Fulfilled when the connection is gone. */
  ended: Promise<void>
  /** Says goodbye with unbind, and closes. */
  close(): Promise<void>
}

const answerSeconds = 10
const goodbyeSeconds = 2

/** Connects and binds as a transceiver. @throws CallFailed with the reason */
export const openSession = async (
  settings: SessionSettings,
  deps: SessionDeps,
  signal: AbortSignal,
): Promise<SmppSession> => {
  const wire = openWire(settings, deps)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(answerSeconds * 1000)])
  try {
    await within(wire.connected, deadline)
    const { command_status: status } = await wire.request('bind_transceiver', settings.bind, deadline)
    if (status !== 0) throw refusalOf(status)
  } catch (error) {
    wire.end('not bound')
    throw error
  }
  keepAlive(wire, settings.enquireLinkSeconds)
  const takeSlot = createSlots(settings.window)
  return {
    isOpen: wire.isOpen,
    ended: wire.ended,
    submit: async (fields, sendSignal) => {
      const release = await takeSlot(sendSignal)
      try {
        return await wire.request('submit_sm', fields, sendSignal)
      } finally {
        release()
      }
    },
    close: async () => {
      await wire.request('unbind', {}, AbortSignal.timeout(goodbyeSeconds * 1000)).catch(() => undefined)
      wire.end('closed')
    },
  }
}

export const refusalOf = (status: number, own?: Readonly<Record<string, FailureReason>>): CallFailed => {
  const { reason, code } = readStatus(status, own)
  return new CallFailed(reason, code)
}

/** The promise, but not past the signal's end. @throws CallFailed timeout */
export const within = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new CallFailed('timeout', 'timeout'))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

type Wire = {
  connected: Promise<void>
  isOpen(): boolean
  ended: Promise<void>
  request(command: string, fields: SmppFields, signal: AbortSignal): Promise<SmppPdu>
  end(why: string): void
}

type Waiting = { resolve(answer: SmppPdu): void; reject(error: Error): void }

const openWire = (settings: SessionSettings, deps: SessionDeps): Wire => {
  const { connect, PDU } = loadSmpp()
  const { host, port, tls, tlsCertificate } = settings
  const connection = connect({
    host,
    port,
    ...(tls ? { tls } : {}),
    ...(tls && isIP(host) === 0 ? { servername: host } : {}),
    ...(tlsCertificate === undefined ? {} : { ca: tlsCertificate }),
  })
  // Ours, not the library's callbacks: those would wait for ever, and never learn of the connection's end.
  const waiting = new Map<number, Waiting>()
  let endedWith: string | undefined
  let tellEnd = () => {}
  const ended = new Promise<void>((resolve) => {
    tellEnd = resolve
  })

  const end = (why: string): void => {
    if (endedWith !== undefined) return
    endedWith = why
    for (const { reject } of waiting.values()) reject(new CallFailed('connection_failed', why))
    waiting.clear()
    connection.destroy()
    tellEnd()
  }
  const connected = new Promise<void>((resolve, reject) => {
    connection.on(tls ? 'secureConnect' : 'connect', resolve)
    void ended.then(() => reject(new CallFailed('connection_failed', endedWith ?? 'closed')))
  })
  connected.catch(() => undefined)

  connection.on('close', () => end('connection closed'))
  // The library reads nothing more after a PDU that it could not read.
  connection.on('error', (error) => end('code' in error ? String(error.code) : 'malformed PDU'))
  connection.on('pdu', (pdu) => {
    if (pdu.isResponse()) return waiting.get(pdu.sequence_number)?.resolve(pdu)
    // After the answers of the same packet have reached who waits for them: a receipt may follow at their heels.
    setImmediate(() => {
      try {
        answer(connection, pdu, deps)
      } catch {
        end('the connection cannot be written')
      }
      if (pdu.command !== 'unbind') return
      connection.close()
      setTimeout(() => end('the server closed the session'), goodbyeSeconds * 1000).unref()
    })
  })

  const request = (command: string, fields: SmppFields, signal: AbortSignal): Promise<SmppPdu> => {
    let sequence: number | undefined
    const answered = new Promise<SmppPdu>((resolve, reject) => {
      const pdu = new PDU(command, fields)
      if (signal.aborted) return
      if (endedWith !== undefined || !connection.send(pdu)) {
        return reject(new CallFailed('connection_failed', endedWith ?? 'connection closed'))
      }
      sequence = pdu.sequence_number
      waiting.set(sequence, { resolve, reject })
    })
    return within(answered, signal).finally(() => {
      if (sequence !== undefined) waiting.delete(sequence)
    })
  }
  const isOpen = () => endedWith === undefined && connection.socket.writable
  return { connected, isOpen, ended, request, end }
}

const answer = (connection: SmppConnection, pdu: SmppPdu, { take, log }: SessionDeps): void => {
  const { PDU } = loadSmpp()
  switch (pdu.command) {
    case 'deliver_sm':
    case 'data_sm':
      take(pdu).then(
        () => void connection.send(pdu.response()),
        (error: unknown) => {
          log.error({ err: error }, 'a receipt could not be taken in')
          connection.send(pdu.response({ command_status: statuses.ESME_RX_T_APPN.code }))
        },
      )
      return
    case 'enquire_link':
    case 'unbind':
      connection.send(pdu.response())
      return
    // Neither has an answer (SMPP 3.4, sections 4.1.7 and 4.12).
    case 'outbind':
    case 'alert_notification':
      return
    default: {
      const { sequence_number } = pdu
      const command_status = statuses.ESME_RINVCMDID.code
      connection.send(new PDU('generic_nack', { command_status, sequence_number }))
    }
  }
}

const keepAlive = (wire: Wire, seconds: number): void => {
  let isAsking = false
  const timer = setInterval(async () => {
    if (isAsking) return
    isAsking = true
    try {
      await wire.request('enquire_link', {}, AbortSignal.timeout(Math.min(answerSeconds, seconds) * 1000))
    } catch {
      wire.end('no answer to enquire_link')
    } finally {
      isAsking = false
    }
  }, seconds * 1000)
  void wire.ended.then(() => clearInterval(timer))
}

/** Lets so many through at once; the others wait in line. */
const createSlots = (count: number) => {
  let free = count
  const line: (() => void)[] = []
  const release = () => {
    free += 1
    line.shift()?.()
  }
  return async (signal: AbortSignal): Promise<() => void> => {
    while (free === 0) {
      let wake = () => {}
      const turn = new Promise<void>((resolve) => {
        wake = resolve
        line.push(wake)
      })
      await within(turn, signal).catch((error: unknown) => {
        const place = line.indexOf(wake)
        // Woken at the very end of its time: the turn is the next one's.
        if (place < 0) line.shift()?.()
        else line.splice(place, 1)
        throw error
      })
    }
    free -= 1
    return release
  }
}
