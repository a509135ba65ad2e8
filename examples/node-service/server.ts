import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { register } from 'tidegate/register'

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ path: request.url, servedBy: process.pid }))
})
server.listen(Number(process.env.PORT ?? 0))
await once(server, 'listening')

const joined = await register({
  name: process.env.SERVICE ?? 'greeter',
  port: (server.address() as AddressInfo).port,
  version: '1.0.0',
  // Drained before the instance leaves, on SIGTERM and SIGINT: no request is lost.
  server,
})
const { name, id, host, port } = joined.registration
console.log(`${name} is ${id} at http://${host}:${port}`)
