import { Agent, request } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'

/** Where a feed writes. */
export interface FeedTarget {
  readonly api: 'consul' | 'etcd'
  readonly address: string
  /** PEM of the authority of an `https:` address. */
  readonly ca?: string
}

/** Instances on loopback, as services write them into a registry. */
export interface Feed {
  put(service: string, id: string, port: number): Promise<void>
  remove(service: string, id: string): Promise<void>
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
  return {
    put: (service, id, port) => {
      const instance = { address: '127.0.0.1', port, zone: 'zone-a', version: '1.0.0', meta }
      return call('POST', '/v3/kv/put', { key: keyOf(service, id), value: base64(JSON.stringify(instance)) })
    },
    remove: (service, id) => call('POST', '/v3/kv/deleterange', { key: keyOf(service, id) }),
  }
}

/** Passing by a check of its own: what has none leaves no trace in the polls that services share. */
function consulFeed(call: Call): Omit<Feed, 'close'> {
  return {
    put: (service, id, port) =>
      call('PUT', '/v1/agent/service/register?replace-existing-checks=true', {
        Name: service,
        ID: id,
        Address: '127.0.0.1',
        Port: port,
        Meta: { ...meta, zone: 'zone-a', version: '1.0.0' },
        Check: { CheckID: `check:${id}`, TTL: '10m', Status: 'passing' },
      }),
    remove: (_, id) => call('PUT', `/v1/agent/service/deregister/${id}`, null),
  }
}

function keyOf(service: string, id: string): string {
  return base64(`/micro/services/${service}/${id}`)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
