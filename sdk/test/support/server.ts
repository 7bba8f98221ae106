// A real HTTP server that answers as a test says, and remembers what it was asked.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AuthenticationClient, type AuthenticationClientInitOptions } from '../../src/sdk.ts'

export type Asked = {
  method: string
  /** With its query. */
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** Whether the client has gone before the answer was complete. */
  left: boolean
}

/** `count`: the how manieth request this is, from 1. */
export type Answer = (response: ServerResponse, asked: Asked, count: number) => void

export const success = {
  statusCode: 200,
  message: 'Operation successful',
  requestId: '7c1b64d4-6d2f-4a52-8f59-6f1c6a1f2a10',
}

export const refusal = {
  statusCode: 499,
  message: 'The code is incorrect',
  apiCode: 2001,
  requestId: '7c1b64d4-6d2f-4a52-8f59-6f1c6a1f2a11',
}

export const json =
  (body: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

export const text =
  (body: string, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end(body)
  }

/** Closes the connection in place of an answer. */
export const hangUp: Answer = (response) => {
  response.destroy()
}

/** Each request gets the next answer; the last one goes on. */
export const inTurn =
  (...answers: [Answer, ...Answer[]]): Answer =>
  (response, asked, count) => {
    const answer = answers[Math.min(count, answers.length) - 1] ?? answers[0]
    answer(response, asked, count)
  }

export const startServer = async (answer: Answer = json(success)) => {
  const asked: Asked[] = []
  const http = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    if (url === '/ready') return response.end()
    const one: Asked = { method, path: url, headers, body: '', left: false }
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      one.body += chunk
    })
    response.on('close', () => {
      one.left = !response.writableFinished
    })
    request.on('end', () => {
      asked.push(one)
      answer(response, one, asked.length)
    })
  })
  // Idle connections are the client's to close. On a busy machine one would else be closed under a request.
  http.keepAliveTimeout = 0
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  // The first fetch of a process is slow; the time limits of tests are short.
  await (await fetch(`${url}/ready`)).text()

  return {
    url,
    port,
    asked,
    client: <Throws extends boolean = false>(
      options: Partial<AuthenticationClientInitOptions<Throws>> = {},
    ): AuthenticationClient<Throws> =>
      new AuthenticationClient<Throws>({ appId: 'app', appSecret: 'secret', appHost: url, ...options }),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

/** What a promise rejects with. */
export const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`it resolved with ${JSON.stringify(value)}`)
    },
    (reason: unknown) => reason,
  )
