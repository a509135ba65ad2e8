import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A service of the demo, as its own process: answers HTTP, registers itself in the registry with a health check, and
 * deregisters when it is told to end.
 *
 * node instance.ts SERVICE ID REGISTRY
 */
const [service = '', id = '', registry = ''] = process.argv.slice(2)

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ service, instance: id, path: request.url })}\n`)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

await put('service/register?replace-existing-checks=true', {
  ID: id,
  Name: service,
  Address: '127.0.0.1',
  Port: port,
  Check: { HTTP: `http://127.0.0.1:${port}/health`, Interval: '1s', Timeout: '1s', Status: 'passing' },
})
process.send?.('registered')

process.once('SIGTERM', () => void leave())
// The demo is gone: so is its registry.
process.once('disconnect', () => process.exit(0))

async function leave(): Promise<void> {
  await put(`service/deregister/${id}`, null)
  server.close(() => process.exit(0))
  server.closeIdleConnections()
}

async function put(path: string, body: object | null): Promise<void> {
  const init = { method: 'PUT', ...(body !== null && { body: JSON.stringify(body) }) }
  const response = await fetch(`${registry}/v1/agent/${path}`, init)
  if (!response.ok) throw new Error(`the registry answered ${response.status} to ${path}: ${await response.text()}`)
}
