import { isIP } from 'node:net'

/** Whether a host name or address (without brackets) can only mean this machine. */
export function isLoopbackHost(host: string): boolean {
  const family = isIP(host)
  if (family === 4) return host.startsWith('127.')
  // `URL` gives an IPv6 address its shortest spelling.
  if (family === 6) return URL.parse(`http://[${host}]`)?.hostname === '[::1]'
  return /^(.+\.)?localhost\.?$/i.test(host)
}
