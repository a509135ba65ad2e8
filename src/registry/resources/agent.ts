import type { Agent } from '../agent.ts'

import type { Operation } from '../http/operation.ts'
import { datacenter, type Node } from '../model.ts'
import { readSwitch } from './switch.ts'

/** Which Consul's answers this registry follows; the suffix says that it is not one. */
const version = '1.8.7+tidegate'

/** `agent/self` and the node's maintenance. */
export function agentOperations(agent: Agent, node: Node): Operation[] {
  return [
    { method: 'GET', path: '/v1/agent/self', takesName: false, answer: () => ({ json: selfJson(node) }) },
    {
      method: 'PUT',
      path: '/v1/agent/maintenance',
      takesName: false,
      answer: ({ query }) => {
        agent.setNodeMaintenance(readSwitch(query), query.get('reason') ?? '')
        return {}
      },
    },
  ]
}

function selfJson(node: Node) {
  return {
    Config: {
      Datacenter: datacenter,
      NodeName: node.name,
      NodeID: node.id,
      Revision: '',
      Server: true,
      Version: version,
    },
    DebugConfig: { Datacenter: datacenter, NodeName: node.name, Version: version },
    Coord: null,
    Member: {
      Name: node.name,
      Addr: node.address,
      Port: 8301,
      Tags: { build: `${version}:`, dc: datacenter, id: node.id, role: 'consul' },
      Status: 1,
      ProtocolMin: 1,
      ProtocolMax: 5,
      ProtocolCur: 2,
      DelegateMin: 2,
      DelegateMax: 5,
      DelegateCur: 4,
    },
    Stats: {},
    Meta: { 'consul-network-segment': '' },
  }
}
