import type { Operation } from '../http/operation.ts'
import type { Node } from '../model.ts'
import { serverPort } from '../own-node.ts'

/** `status/…`: this registry is always its own leader. */
export function statusOperations(node: Node): Operation[] {
  const leader = `${node.address}:${serverPort}`
  return [
    { method: 'GET', path: '/v1/status/leader', takesName: false, answer: () => ({ json: leader }) },
    { method: 'GET', path: '/v1/status/peers', takesName: false, answer: () => ({ json: [leader] }) },
  ]
}
