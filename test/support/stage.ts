import { expect } from 'vitest'
import { failures, type Failure } from '../../src/core/failure.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'
import { header } from './http-message.ts'
import { exchangeRaw, RawClient, type RawResponse } from './raw-client.ts'
import { RecordingOrigin, type Script } from './recording-origin.ts'

/** An engine before one recording origin. */
export interface Stage {
  readonly engine: Engine
  readonly origin: RecordingOrigin
  close(): Promise<void>
}

export async function setStage(options: Omit<EngineOptions, 'origins'> = {}, script?: Script): Promise<Stage> {
  const origin = await RecordingOrigin.start(script)
  const engine = await startEngine({ ...options, origins: [origin] })
  return {
    engine,
    origin,
    async close() {
      await engine.close()
      await origin.close()
    },
  }
}

/** How bytes are delivered. Where a packet ends must never matter. */
export const deliveries = ['in one piece', 'byte by byte'] as const
export type Delivery = (typeof deliveries)[number]

export async function deliver(client: RawClient, bytes: string, delivery: Delivery): Promise<void> {
  if (delivery === 'in one piece') client.send(bytes)
  else await client.sendPieces(bytes.split(''))
}

/** A problem document with everything the gateway promises of its own answers. */
export function expectProblem(response: RawResponse, failure: Failure): void {
  const { status, title } = failures[failure]
  expect({ failure: header(response, 'x-tidegate-error'), status: response.status }).toEqual({ failure, status })
  expect(header(response, 'content-type')).toBe('application/problem+json')
  const requestId = header(response, 'x-request-id')
  expect(requestId).toMatch(/^[\w.-]+$/)
  expect(JSON.parse(response.body)).toEqual({ type: `urn:tidegate:failure:${failure}`, title, status, requestId })
}

/**
 * The attack gets one problem document and the connection is closed in good order; no whole request reaches the origin, and
 * what began to reach it is cut off.
 */
export async function expectRefused(stage: Stage, bytes: string, failure: Failure, delivery: Delivery): Promise<void> {
  const { engine, origin } = stage
  const before = origin.requests.length
  const client = await RawClient.connect(engine.port)
  await deliver(client, bytes, delivery)
  const response = await client.response()
  expectProblem(response, failure)
  expect(header(response, 'connection')).toBe('close')
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  client.destroy()
  expect(origin.requests.slice(before).map(({ raw }) => raw)).toEqual([])
  await expectNothingHalfOpen(origin)
  await expectStillServing(stage)
}

/** A request that came in part is on no connection that the engine still holds. */
async function expectNothingHalfOpen(origin: RecordingOrigin): Promise<void> {
  await Promise.all(origin.connections.filter(({ unread }) => unread !== '').map((connection) => connection.closed()))
  expect(origin.violations).toEqual([])
}

let cleanRequests = 0

/** A clean request on a new connection gets its own answer. */
export async function expectStillServing({ engine, origin }: Stage): Promise<void> {
  const target = `/clean/${cleanRequests++}`
  const before = origin.requests.length
  const { status, body } = await exchangeRaw(engine.port, `GET ${target} HTTP/1.1\r\nhost: clean.test\r\n\r\n`)
  expect({ status, body }).toEqual({ status: 200, body: target })
  expect(origin.requests.slice(before).map((request) => request.target)).toEqual([target])
}

/** Exactly one request reaches the origin, and it is this one, byte for byte (see `canonical`). */
export async function expectForwarded(stage: Stage, bytes: string, wanted: string, delivery: Delivery): Promise<void> {
  const { engine, origin } = stage
  const before = origin.requests.length
  const client = await RawClient.connect(engine.port)
  await deliver(client, bytes, delivery)
  const { status } = await client.response({ bodyless: bytes.startsWith('HEAD') })
  client.destroy()
  expect(status).toBe(200)
  expect(origin.requests.slice(before).map(({ raw }) => withoutId(raw))).toEqual([
    wanted.replace('PORT', String(engine.port)),
  ])
  expect(origin.violations).toEqual([])
  await expectStillServing(stage)
}

function withoutId(raw: string): string {
  return raw.replace(/^x-request-id: .*$/m, 'x-request-id: ID')
}

/** What the origin gets for a request: PORT stands for the listener's port, ID for the request id the gateway made. */
export function canonical(parts: {
  readonly line: string
  readonly host?: string
  /** Lines with CRLF, before and after those the gateway adds. */
  readonly carried?: string
  readonly added?: string
  readonly body?: string
}): string {
  const { line, host = 'a', carried = '', added = '', body = '' } = parts
  const forwardedHost = host.includes(':') ? `"${host}"` : host
  const forwarded =
    'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-port: PORT\r\n' +
    `x-forwarded-host: ${host}\r\nforwarded: for=127.0.0.1;proto=http;host=${forwardedHost}\r\n`
  return `${line} HTTP/1.1\r\nhost: ${host}\r\n${carried}${forwarded}${added}x-request-id: ID\r\n\r\n${body}`
}
