import { isIPv6 } from 'node:net'

/** Whoever has one IPv6 address has its /64 (RFC 6177): limits count the network. */
export const networkOf = (ip: string): string => (isIPv6(ip) ? cutIPv6(ip, 4) : ip)

/** What one customer of an access provider can move about in: an IPv4 /24, an IPv6 /48 (RFC 6177). */
export const wideNetworkOf = (ip: string): string =>
  isIPv6(ip) ? cutIPv6(ip, 3) : `${ip.split('.').slice(0, 3).join('.')}.0/24`

const cutIPv6 = (ip: string, groups: number): string => {
  const [head = '', tail] = ip.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return `${[...left, ...zeros, ...right]
    .slice(0, groups)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/${groups * 16}`
}
