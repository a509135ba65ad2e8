import type { Operation } from '../http/operation.ts'
import type { Leadership } from '../leadership.ts'
import type { Node } from '../model.ts'
import { serverPort } from '../own-node.ts'

/** `status/…`: this registry is its own leader, but for a fault. */
export function statusOperations(node: Node, leadership: Leadership): Operation[] {
  const server = `${node.address}:${serverPort}`
  const leader = () => ({ json: leadership.isLost ? '' : server })
  return [
    { method: 'GET', path: '/v1/status/leader', takesName: false, answer: leader },
    { method: 'GET', path: '/v1/status/peers', takesName: false, answer: () => ({ json: [server] }) },
  ]
}
