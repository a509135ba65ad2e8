import { openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isRepeatable, methodOf } from '../load/methods.ts'
import type { FromInstance, InstanceParameters, Mood, ToInstance } from './message.ts'
import { misbehave } from './misbehave.ts'

/**
 * One instance of the service, in a process of its own: answers each request with the request's own id, which is its path.
 * SIGTERM is a graceful stop: what was begun is answered, kept connections are closed.
 */
const { id, port, latencyMs, slots, arrivals } = JSON.parse(process.argv[2] ?? '{}') as InstanceParameters
const slowFactor = 10
const healthPath = '/health'

const arrivalsFd = openSync(arrivals, 'a')
let mood: Mood = 'ok'
let received = 0
let inFlight = 0
let opened = 0
let closed = 0
let working = 0
const waiting: (() => void)[] = []

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  // A proxy that asks how it does is no client.
  if (request.url === healthPath) {
    response.end()
    return
  }
  received++
  inFlight++
  response.on('close', () => inFlight--)
  // At the head, and in one write: whatever becomes of this process, it was counted.
  if (!isRepeatable(methodOf(request.method))) writeSync(arrivalsFd, `${idOf(request)}\n`)
  request.on('end', () => enter(() => answer(request, response))).resume()
})
server.on('connection', (socket) => {
  opened++
  socket.on('close', () => closed++)
})
server.on('clientError', (_error, socket) => socket.destroy())
listen()

process.on('message', (message: ToInstance) => {
  if (message.type === 'count') return tell({ type: 'counted', received, inFlight, opened, closed })
  mood = message.mood
  if (mood === 'refusing') {
    server.close(() => tell({ type: 'became', mood }))
    server.closeAllConnections()
  } else if (server.listening) tell({ type: 'became', mood })
  else server.listen(port, '127.0.0.1', () => tell({ type: 'became', mood }))
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())
process.on('SIGTERM', () => server.close(() => process.exit()))

function listen(): void {
  server.listen({ port, host: '127.0.0.1', backlog: 511 }, () => tell({ type: 'listening' }))
}

/** Waits for a slot, where there is a number of them. */
function enter(work: () => void): void {
  if (slots === null) return work()
  if (working === slots) return void waiting.push(work)
  working++
  work()
}

function leave(): void {
  if (slots === null) return
  working--
  const next = waiting.shift()
  if (next !== undefined) enter(next)
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const delayMs = mood === 'slow' ? latencyMs * slowFactor : latencyMs
  if (delayMs === 0) finish(request, response)
  else setTimeout(() => finish(request, response), delayMs)
}

function finish(request: IncomingMessage, response: ServerResponse): void {
  if (misbehave(mood, idOf(request), request.socket)) return
  const body = idOf(request)
  response.writeHead(200, { 'content-length': body.length, 'x-instance': id })
  response.end(body)
  leave()
}

function idOf({ url = '/' }: IncomingMessage): string {
  return url.slice(1)
}

function tell(message: FromInstance): void {
  process.send?.(message)
}
