import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { consulApi } from '../../test/support/consul-api.ts'
import { freePorts } from '../../test/support/free-ports.ts'

/** A registry in a process of its own, as the bench fills and changes it. */
export interface Feed {
  /** The source's entry in `discovery`. */
  readonly source: object
  /** Adds an instance on loopback, passing by a check of its own: what has none leaves no trace in the polls that services share. */
  add(service: string, id: string, port: number): Promise<void>
  remove(id: string): Promise<void>
  close(): Promise<void>
}

const cli = new URL('../../src/cli.ts', import.meta.url).pathname

async function startEmbedded(): Promise<Feed> {
  const [port = 0] = await freePorts(1)
  const address = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [cli, 'registry', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const api = consulApi(address)
  const call = async (path: string, body?: object) => {
    const { status, text } = await api('PUT', path, body)
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
  }
  return {
    source: { type: 'consul', address },
    add: (service, id, instancePort) =>
      call('/v1/agent/service/register?replace-existing-checks=true', {
        Name: service,
        ID: id,
        Address: '127.0.0.1',
        Port: instancePort,
        Check: { CheckID: `check:${id}`, TTL: '10m', Status: 'passing' },
      }),
    remove: (id) => call(`/v1/agent/service/deregister/${id}`),
    async close() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** By the name that `--registry` has. */
export const feeds: Readonly<Record<string, () => Promise<Feed>>> = { embedded: startEmbedded }
