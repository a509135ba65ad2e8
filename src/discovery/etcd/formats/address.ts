import type { Format } from './contract.ts'
import { toInstance } from './instance.ts'

/** `host:port` and nothing else: what a script writes, and go-zero (https://go-zero.dev/docs/tutorials/grpc/server/register). */
export const address: Format = (text, id) => {
  const instance = toInstance({ id, address: text.trim() })
  return typeof instance === 'string' ? instance : [instance]
}
