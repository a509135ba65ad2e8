import { Agent, request } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'

/** Where a feed writes. */
export interface FeedTarget {
  readonly api: 'consul' | 'etcd'
  readonly address: string
  /** PEM of the authority of an `https:` address. */
  readonly ca?: string
}

/** One instance on loopback. */
export interface Entry {
  readonly service: string
  readonly id: string
  readonly port: number
}

/** Instances as services write them into a registry. */
export interface Feed {
  put(...entries: readonly Entry[]): Promise<void>
  remove(...entries: readonly Entry[]): Promise<void>
  close(): void
}

/** @param connections calls that may be under way at once */
export function openFeed({ api, address, ca }: FeedTarget, connections: number): Feed {
  const settings = { keepAlive: true, maxSockets: connections }
  const agent = ca === undefined ? new Agent(settings) : new SecureAgent({ ...settings, ca })
  const send = ca === undefined ? request : requestSecurely
  const call: Call = (method, path, body) =>
    new Promise((resolve, reject) => {
      const sent = send(new URL(path, address), { method, agent }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`${path}: ${response.statusCode} ${text}`))
        })
      })
      sent.on('error', reject).end(body === null ? undefined : JSON.stringify(body))
    })
  return { ...(api === 'etcd' ? etcdFeed(call) : consulFeed(call)), close: () => agent.destroy() }
}

type Call = (method: 'PUT' | 'POST', path: string, body: object | null) => Promise<void>

const meta = { protocol: 'http', team: 'checkout' }

function etcdFeed(call: Call): Omit<Feed, 'close'> {
  const all = (success: readonly object[]) => call('POST', '/v3/kv/txn', { success })
  return {
    put: (...entries) => all(entries.map((entry) => ({ request_put: { key: keyOf(entry), value: valueOf(entry) } }))),
    remove: (...entries) => all(entries.map((entry) => ({ request_delete_range: { key: keyOf(entry) } }))),
  }
}

function keyOf({ service, id }: Entry): string {
  return base64(`/micro/services/${service}/${id}`)
}

function valueOf({ port }: Entry): string {
  return base64(JSON.stringify({ address: '127.0.0.1', port, zone: 'zone-a', version: '1.0.0', meta }))
}

/** Passing by a check of its own: what has none leaves no trace in the polls that services share. */
function consulFeed(call: Call): Omit<Feed, 'close'> {
  return {
    async put(...entries) {
      for (const { service, id, port } of entries) {
        await call('PUT', '/v1/agent/service/register?replace-existing-checks=true', {
          Name: service,
          ID: id,
          Address: '127.0.0.1',
          Port: port,
          Meta: { ...meta, zone: 'zone-a', version: '1.0.0' },
          Check: { CheckID: `check:${id}`, TTL: '10m', Status: 'passing' },
        })
      }
    },
    async remove(...entries) {
      for (const { id } of entries) await call('PUT', `/v1/agent/service/deregister/${id}`, null)
    },
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
