import { isIPv6 } from 'node:net'
import type { Catalog, CheckRow, ServiceRow } from '../catalog.ts'
import { datacenter, type Check, type Node, type Service } from '../model.ts'

/** The JSON of Consul 1.8, whose field names are PascalCase, and the same in every answer that shows the thing. */

function nodeJson(node: Node, metaName: 'Meta' | 'NodeMeta' = 'Meta') {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: datacenter,
    TaggedAddresses: nodeAddressesJson(node.address),
    [metaName]: { 'consul-network-segment': '' },
  }
}

/** The node with the indexes of its row. */
export function catalogNodeJson({ node, indexes }: Catalog) {
  return { ...nodeJson(node), CreateIndex: indexes.nodes, ModifyIndex: indexes.nodes }
}

/** A service within `health/service`. */
export function catalogServiceJson(service: ServiceRow) {
  return {
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Address: service.address,
    ...taggedAddressesJson('TaggedAddresses', service),
    Meta: service.meta,
    Port: service.port,
    Weights: weightsJson(service),
    EnableTagOverride: service.enableTagOverride,
    Proxy: { MeshGateway: {}, Expose: {} },
    Connect: {},
    ...rowJson(service),
  }
}

/** A service within `agent/services`. */
export function agentServiceJson(service: Service) {
  return {
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Meta: service.meta ?? {},
    Port: service.port,
    Address: service.address,
    ...taggedAddressesJson('TaggedAddresses', service),
    Weights: weightsJson(service),
    EnableTagOverride: service.enableTagOverride,
  }
}

/** A row of `catalog/service`, where node and service share one object. */
export function catalogRowJson(node: Node, service: ServiceRow) {
  return {
    ...nodeJson(node, 'NodeMeta'),
    ServiceKind: '',
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    ServiceAddress: service.address,
    ...taggedAddressesJson('ServiceTaggedAddresses', service),
    ServiceWeights: weightsJson(service),
    ServiceMeta: service.meta ?? {},
    ServicePort: service.port,
    ServiceEnableTagOverride: service.enableTagOverride,
    ServiceProxy: { MeshGateway: {}, Expose: {} },
    ServiceConnect: {},
    ...rowJson(service),
  }
}

/** `tags` are those of the check's service. An agent shows its checks with indexes of 0. */
export function checkJson(node: Node, check: Check | CheckRow, tags: readonly string[]) {
  return {
    Node: node.name,
    CheckID: check.id,
    Name: check.name,
    Status: check.status,
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: tags,
    Type: check.type,
    Definition: {},
    ...('createIndex' in check ? rowJson(check) : { CreateIndex: 0, ModifyIndex: 0 }),
  }
}

function rowJson(row: { readonly createIndex: number; readonly modifyIndex: number }) {
  return { CreateIndex: row.createIndex, ModifyIndex: row.modifyIndex }
}

function nodeAddressesJson(address: string): Record<string, string> {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  return { lan: address, [`lan_${family}`]: address, wan: address, [`wan_${family}`]: address }
}

function weightsJson({ weights }: Service) {
  return { Passing: weights.passing, Warning: weights.warning }
}

/** Left out where there is none. */
function taggedAddressesJson(name: string, { taggedAddresses }: Service) {
  const entries = Object.entries(taggedAddresses)
  if (entries.length === 0) return {}
  const json = entries.map(([tag, { address, port }]) => [tag, { Address: address, Port: port }] as const)
  return { [name]: Object.fromEntries(json) }
}
