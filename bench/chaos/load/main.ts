import { ClientConnection, type ClientRequest } from './client-connection.ts'
import { isRepeatable, type Method } from './methods.ts'
import { Queue } from './queue.ts'
import { type FromLoad, type LoadParameters, systemMs } from './samples.ts'

/**
 * A load in a process of its own: sends requests when they are due, whatever the answers do, and sees that each gets its own. A
 * message ends it: what is under way is waited for, then every request is reported.
 */
const parameters = JSON.parse(process.argv[2] ?? '{}') as LoadParameters
const { port, connections, ratePerSecond, methods, hangMs } = parameters
const tickMs = 2

const kinds = ['ok']
const [kind, dueMs, sentMs, latencyMs]: [number[], number[], number[], number[]] = [[], [], [], []]
const due = new Queue<ClientRequest>()
const free: ClientConnection[] = []
let issued = 0
let isStopping = false

const all = Array.from({ length: connections }, () => {
  return new ClientConnection(port, { onFree: goOn, onOutcome: record, onRefused })
})
const startedMs = systemMs()
const ticks = setInterval(tick, tickMs)
process.send?.({ type: 'sending' } satisfies FromLoad)
process.once('message', () => (isStopping = true))
process.on('disconnect', () => process.exit())

function tick(): void {
  const now = systemMs()
  if (ratePerSecond !== null && !isStopping) {
    const wanted = Math.floor(((now - startedMs) / 1000) * ratePerSecond)
    while (issued < wanted) due.push(next(startedMs + (issued * 1000) / ratePerSecond))
    pump()
  }
  for (const connection of all) {
    const { request } = connection
    if (request !== null && now - request.sentMs > hangMs) connection.giveUp()
  }
  while (due.first !== undefined && now - due.first.dueMs > hangMs) record(due.shift() as ClientRequest, 'hung')
  if (isStopping && due.size === 0 && all.every(({ request }) => request === null)) finish()
}

function goOn(connection: ClientConnection): void {
  if (ratePerSecond !== null) {
    free.push(connection)
    pump()
  } else if (!isStopping) connection.send(next(systemMs()))
}

/** In turn over the connections, so that each of the gateway's threads has its share. */
function pump(): void {
  while (due.size > 0) {
    const connection = free.shift()
    if (connection === undefined) return
    if (connection.isFree) connection.send(due.shift() as ClientRequest)
  }
}

function next(at: number): ClientRequest {
  const method = methods[issued % methods.length] as Method
  // The letter tells requests apart that may not arrive twice.
  const id = `${isRepeatable(method) ? 'r' : 'o'}-${process.pid}-${issued++}-${method.toLowerCase()}`
  return { id, method, dueMs: at, sentMs: Number.NaN }
}

function record(request: ClientRequest, outcome: string): void {
  let index = kinds.indexOf(outcome)
  if (index === -1) index = kinds.push(outcome) - 1
  kind.push(index)
  dueMs.push(request.dueMs)
  sentMs.push(request.sentMs)
  latencyMs.push(systemMs() - request.dueMs)
}

/** A client that finds nobody has lost the request for which it came. */
function onRefused(): void {
  if (isStopping) return
  const request = due.shift() ?? next(systemMs())
  record(request, 'not connected')
}

function finish(): void {
  clearInterval(ticks)
  for (const connection of all) connection.close()
  const samples = {
    kinds,
    kind: Uint8Array.from(kind),
    dueMs: Float64Array.from(dueMs),
    sentMs: Float64Array.from(sentMs),
    latencyMs: Float64Array.from(latencyMs),
  }
  process.send?.({ type: 'done', samples } satisfies FromLoad, () => process.exit())
}
