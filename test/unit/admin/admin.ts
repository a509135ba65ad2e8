import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AdminInput } from '../../../src/admin/admin-input.ts'
import { startAdmin, type AdminServer, type AdminSettings } from '../../../src/admin/server.ts'

const ready: AdminInput = {
  liveness: () => ({ alive: true }),
  readiness: () => ({ ready: true, draining: false, missing: [] }),
  metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: '# metrics\n' }),
  routes: () => [{ id: '/api' }],
  services: () => [{ name: 'users' }],
  service: (name) => (name === 'users' || name === 'a/b ü' ? { name } : null),
  explain: (asked) => ({
    host: asked.host,
    path: asked.path,
    url: asked.url,
    method: asked.method,
    beta: asked.header('x-beta'),
  }),
  timeline: (limit) => [
    { at: '2024-01-01T00:00:00.000Z', type: 'added', service: 'users', endpoint: 'a', cause: String(limit) },
  ],
  config: () => ({ config: { workers: 2 }, lastError: null }),
  reload: () => Promise.resolve({ applied: true, version: 2 }),
  commandEndpoint: () => ({ found: true, until: null, changed: true, services: ['users'] }),
  workers: () => [{ column: 0, state: 'serving' }],
  drainWorker: (column) =>
    column === 0
      ? { drains: true, replacement: 2 }
      : { drains: false, reason: column === 1 ? 'busy' : 'unknown', detail: 'it drains already' },
}

export interface RunningAdmin extends AsyncDisposable {
  readonly server: AdminServer
  readonly errors: unknown[]
  ask(path: string, options?: AskOptions): Promise<Answered>
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly json: () => unknown
}

/** An admin listener on a free port of loopback. */
export async function runAdmin(
  input: Partial<AdminInput> = {},
  settings: Partial<AdminSettings> = {},
): Promise<RunningAdmin> {
  const errors: unknown[] = []
  const server = await startAdmin(
    { host: '127.0.0.1', port: 0, token: null, publicMetrics: false, ...settings },
    { ...ready, ...input },
    (error) => errors.push(error),
  )
  return {
    server,
    errors,
    ask: (path, options) => ask(server.port, path, options),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body }: AskOptions = {}): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
    text(response).then((answer) => {
      const { statusCode: status = 0, headers: fields } = response
      resolve({ status, headers: fields, body: answer, json: (): unknown => JSON.parse(answer) })
    }, reject)
  })
  asked.on('error', reject)
  asked.end(body)
  return promise
}
