import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * An instance as its own process, of services `/CASE/BALANCER`: the case says how the first instance of all behaves.
 * `/counts` answers how many requests it had for each.
 *
 * node balancing-instance.ts INDEX LATENCY_MS
 */
const [index = '', latency = ''] = process.argv.slice(2)
const isOdd = index === '0'
const latencyMs = Number(latency)
const counts: Record<string, number> = {}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { url = '' } = request
  if (url === '/counts') return response.end(JSON.stringify(counts))
  counts[url] = (counts[url] ?? 0) + 1
  const fails = isOdd && (url.startsWith('/failing/') || url.startsWith('/ejecting/'))
  if (fails) return response.writeHead(500).end()
  return setTimeout(() => response.end('ok'), isOdd && url.startsWith('/slow/') ? latencyMs * 10 : latencyMs)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
