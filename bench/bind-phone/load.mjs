// A closed loop: so many connections, each asks again as soon as it was answered. It speaks HTTP by hand over
// bare sockets: the driver shares the cores with what it measures, and a client library would take more.

import { once } from 'node:events'
import { connect } from 'node:net'

/** The request of a POST of JSON. */
export const post = (path, headers, content) => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(content),
})

export const get = (path) => ({ method: 'GET', path, headers: {}, body: '' })

/**
 * Asks everything once. `accepts({ status, body }, i)` judges each reply; a refused one ends the run.
 * Answers how long the whole and each request took, in ms; connecting is not part of it.
 */
export const runLoop = async ({ port, requests, concurrency, accepts }) => {
  const messages = requests.map((request) => serialize(request, port))
  const connections = await Promise.all(Array.from({ length: concurrency }, () => openConnection(port)))
  const latencies = new Float64Array(requests.length)
  let next = 0

  const started = performance.now()
  await Promise.all(
    connections.map(async (connection) => {
      while (next < messages.length) {
        const i = next++
        const asked = performance.now()
        const reply = await connection.ask(messages[i])
        latencies[i] = performance.now() - asked
        if (!accepts(reply, i))
          throw new Error(`refused: ${messages[i]}\n${reply.status} ${JSON.stringify(reply.body)}`)
      }
    }),
  )
  const milliseconds = performance.now() - started

  for (const connection of connections) connection.close()
  return { milliseconds, latencies }
}

const serialize = ({ method, path, headers, body }, port) => {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    ...headers,
    'content-length': Buffer.byteLength(body),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

const openConnection = async (port) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1') // one character is one byte
  await once(socket, 'connect')
  let received = ''
  let waiting

  socket.on('data', (text) => {
    received += text
    const reply = parseReply(received)
    if (!reply) return
    received = ''
    waiting.resolve(reply)
  })
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('end', () => waiting?.reject(new Error('the server closed the connection')))

  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(message)
      }),
    close: () => socket.destroy(),
  }
}

// The reply, or undefined while a part of it is missing. There is never more than one on its way.
const parseReply = (text) => {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = text.slice(0, headEnd)
  const rest = text.slice(headEnd + 4)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const whole = length === undefined ? rest.endsWith('0\r\n\r\n') : rest.length >= Number(length)
  if (!whole) return undefined

  const bytes = Buffer.from(length === undefined ? joinChunks(rest) : rest, 'latin1')
  return { status: Number(head.slice(9, 12)), body: parseJson(bytes.toString()) }
}

const joinChunks = (text) => {
  let joined = ''
  for (let at = 0; ; ) {
    const sizeEnd = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, sizeEnd), 16)
    if (!(size > 0)) return joined
    joined += text.slice(sizeEnd + 2, sizeEnd + 2 + size)
    at = sizeEnd + 2 + size + 2
  }
}

const parseJson = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
