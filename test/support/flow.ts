import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type RequestListener, type RequestOptions } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect } from 'vitest'
import { TimerWheel, type WheelTimer } from '../../src/util/timer-wheel.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'
import { RawClient } from './raw-client.ts'
import { RecordingOrigin, type Script } from './recording-origin.ts'
import { connectTls, type TlsClient, type TlsClientOptions } from './tls-client.ts'

export interface HttpOrigin {
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: number
  close(): Promise<void>
}

/** What the tests of one file open. After each test all of it is closed, and nothing may be left in flight or armed. */
export interface Flow {
  engine(options: EngineOptions): Promise<Engine>
  client(engine: { readonly port: number }): Promise<RawClient>
  /** An origin on node:http; on node:https where it is given certificates. */
  origin(listener: RequestListener, secure?: TlsOptions): Promise<HttpOrigin>
  /** A client that speaks TLS; rejects when the handshake fails. */
  tlsClient(engine: { readonly port: number }, options: TlsClientOptions): Promise<TlsClient>
  /** An origin that answers byte for byte what the script says; over TLS where it is given certificates. */
  rawOrigin(script?: Script, secure?: TlsOptions): Promise<RecordingOrigin>
  /** Runs after the test, before what was opened earlier is closed. */
  defer(close: () => unknown): void
}

export function useFlow(): Flow {
  const closings: (() => unknown)[] = []
  const engines: Engine[] = []
  const timers = watchTimers()

  afterEach(async () => {
    for (const close of closings.splice(0).toReversed()) await close()
    // Destroyed sockets say `close` in the next turn of the event loop.
    await nextTurn()
    await nextTurn()
    for (const engine of engines.splice(0)) {
      for (let slot = 0; slot < 8; slot++) expect(engine.ledger.endpoint(slot, -1).inflight()).toBe(0)
    }
    // Neither armed, nor held by the wheel until their bucket comes round.
    expect(timers.take().filter(({ armed, bucket }) => armed || bucket !== -1)).toEqual([])
  })

  return {
    async engine(options) {
      const engine = await startEngine(options)
      engines.push(engine)
      closings.push(() => engine.close())
      return engine
    },
    async client({ port }) {
      const client = await RawClient.connect(port)
      closings.push(() => client.destroy())
      return client
    },
    async origin(listener, secure) {
      const origin = await startHttpOrigin(listener, secure)
      closings.push(() => origin.close())
      return origin
    },
    async tlsClient({ port }, options) {
      const connected = await connectTls(port, options)
      closings.push(() => connected.client.destroy())
      return connected
    },
    async rawOrigin(script, secure) {
      const origin = await RecordingOrigin.start(script, secure)
      closings.push(() => origin.close())
      return origin
    },
    defer: (close) => closings.push(close),
  }
}

/** Deadlines of all wheels in this process that were ever armed. */
function watchTimers(): { take(): WheelTimer[] } {
  const seen = new Set<WheelTimer>()
  type Arm = (this: TimerWheel, timer: WheelTimer, ms: number) => void
  const original = Object.getOwnPropertyDescriptor(TimerWheel.prototype, 'arm')?.value as Arm
  TimerWheel.prototype.arm = function arm(timer, ms) {
    seen.add(timer)
    original.call(this, timer, ms)
  }
  return {
    take() {
      const timers = [...seen]
      seen.clear()
      return timers
    },
  }
}

async function startHttpOrigin(listener: RequestListener, secure?: TlsOptions): Promise<HttpOrigin> {
  let connections = 0
  const options = { keepAliveTimeout: 60_000 }
  const server =
    secure === undefined ? createServer(options, listener) : createSecureServer({ ...options, ...secure }, listener)
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    get connections() {
      return connections
    },
    async close() {
      server.closeAllConnections()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
}

/** One request by node:http, its whole answer. */
export async function ask(port: number, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
  const { body, ...rest } = options
  const outgoing = request({ port, host: '127.0.0.1', ...rest })
  if (body !== undefined) outgoing.setHeader('content-length', body.length)
  const response = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      buffer(incoming).then(
        (bytes) =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            trailers: incoming.trailers,
            body: bytes,
          }),
        reject,
      )
    })
  })
  outgoing.end(body)
  return response
}
