import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Instances, in a process of their own, that do so much at a time and no more: what comes meanwhile waits in a queue without an end,
 * and is worked on even if nobody waits for it any more, as most servers do. Prints their ports. At SIGUSR2 each request takes ten times
 * as long from then on.
 *
 * node bench/acceptance/limited-instances.ts COUNT AT-A-TIME SERVICE-MS
 */
const [count = 3, atATime = 4, usualMs = 50] = process.argv.slice(2).map(Number)
let serviceMs = usualMs
process.on('SIGUSR2', () => {
  serviceMs = usualMs * 10
})

function startInstance(): Promise<number> {
  const waiting: ServerResponse[] = []
  let working = 0
  const work = (response: ServerResponse): void => {
    working++
    setTimeout(() => {
      working--
      response.end('done\n')
      const next = waiting.shift()
      if (next !== undefined) work(next)
    }, serviceMs)
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    if (working < atATime) work(response)
    else waiting.push(response)
  })
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => resolve((server.address() as AddressInfo).port))
  })
}

const ports = await Promise.all(Array.from({ length: count }, startInstance))
process.stdout.write(`${JSON.stringify(ports)}\n`)
