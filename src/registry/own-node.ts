import { randomUUID } from 'node:crypto'
import { Catalog } from './catalog.ts'
import type { Check, Service } from './model.ts'

/** The port Consul's servers talk to each other on. Nothing listens there; it is part of a leader's name. */
export const serverPort = 8300

const server: Service = {
  id: 'consul',
  name: 'consul',
  tags: [],
  meta: {},
  address: '',
  port: serverPort,
  taggedAddresses: {},
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
}

const alive: Check = {
  id: 'serfHealth',
  name: 'Serf Health Status',
  status: 'passing',
  notes: '',
  output: 'Agent alive and reachable',
  serviceId: '',
  serviceName: '',
  type: '',
}

/** Whether a service or a check, by its id, is of the server itself. */
export function isOwnRow(id: string): boolean {
  return id === server.id || id === alive.id
}

/** A catalog that holds what a fresh Consul server says of itself: its node is alive, and it is the service `consul`. Clients look for both. */
export function createCatalog(nodeName: string, listenHost: string): Catalog {
  // Services that register no address of their own are found at the node's; a wildcard would lead nowhere.
  const address = ['0.0.0.0', '::', 'localhost'].includes(listenHost) ? '127.0.0.1' : listenHost
  const catalog = new Catalog({ id: randomUUID(), name: nodeName, address })
  catalog.register(server, [alive])
  return catalog
}
