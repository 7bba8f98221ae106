// TCP ports at which nobody listens, for programs that must be told one.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** No two are the same; each was free a moment ago. */
export const freePorts = async (count: number): Promise<number[]> => {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports: number[] = []
  for (const listener of listeners) {
    if (!listener.listening) await once(listener, 'listening')
    ports.push((listener.address() as AddressInfo).port)
  }
  await Promise.all(listeners.map((listener) => once(listener.close(), 'close')))
  return ports
}

export const freePort = async (): Promise<number> => {
  const [port = 0] = await freePorts(1)
  return port
}
