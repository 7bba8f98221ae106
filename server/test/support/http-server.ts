// An HTTP server of the test's own: for what stands at the other end of a call of ours.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export const listenHttp = async (listener: RequestListener) => {
  const server = createServer(listener)
  // Idle connections are the client's to close. On a busy machine one would else be closed under a request.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
