import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import {
  constants,
  createSecureServer,
  type ServerHttp2Session,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'

export interface ScriptedReply {
  /** Default 200. */
  readonly status?: number
  /** X-Consul-Index; null leaves the field out. Default 1. */
  readonly index?: number | null
  readonly headers?: Readonly<Record<string, string>>
  /** Text is sent as it is, anything else as JSON. Default an empty list. */
  readonly body?: unknown
  /** The connection breaks after half of the body. */
  readonly isCut?: boolean
}

export interface ScriptedRequest {
  readonly path: string
  /** Of the query, as sent; null when the request does not block. */
  readonly index: string | null
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** Its connection; null over HTTP/1.1. */
  readonly session: ServerHttp2Session | null
  /** Aborts when nobody waits for the answer any more. */
  readonly gone: AbortSignal
  /** `1.1`, or `2.0`. */
  readonly httpVersion: string
}

export interface ScriptedRegistry {
  /** For example `http://127.0.0.1:41234`. */
  readonly address: string
  readonly port: number
  /** Of HTTP/2, those that are open. */
  readonly sessions: ReadonlySet<ServerHttp2Session>
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>
  readonly requests: readonly ScriptedRequest[]
  /** Resolves with the next request from now on. */
  nextRequest(): Promise<ScriptedRequest>
  close(): Promise<void>
}

/** What to answer; `hang` never does. A promise lets the test choose the moment. */
export type Script = (request: ScriptedRequest, count: number) => Reply | Promise<Reply>
type Reply = ScriptedReply | 'hang'

/**
 * An HTTP server that plays a Consul which says and does what a real one can't be made to; `count` is 1 for the first request.
 * @param secure with certificate and key it speaks TLS: HTTP/2 and HTTP/1.1, or only the latter
 */
export async function startScriptedRegistry(
  script: Script,
  secure?: SecureServerOptions & { readonly isWithoutH2?: boolean },
  port = 0,
): Promise<ScriptedRegistry> {
  const requests: ScriptedRequest[] = []
  let awaited = Promise.withResolvers<ScriptedRequest>()
  const listener: RequestListener = (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://registry')
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const request = {
      gone: gone.signal,
      path: pathname,
      index: searchParams.get('index'),
      query: searchParams,
      headers: incoming.headers,
      session: sessionOf(incoming),
      httpVersion: incoming.httpVersion,
    }
    requests.push(request)
    awaited.resolve(request)
    awaited = Promise.withResolvers()
    void reply(script, request, requests.length, response)
  }
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  const server = serverFor(listener, secure)
  if (secure !== undefined) {
    server.on('session', (session: ServerHttp2Session) => {
      sessions.add(session)
      session.on('error', () => {})
      session.on('close', () => sessions.delete(session))
    })
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  const taken = typeof at === 'object' && at !== null ? at.port : 0
  return {
    address: `${secure === undefined ? 'http' : 'https'}://127.0.0.1:${taken}`,
    port: taken,
    sessions,
    sockets,
    requests,
    nextRequest: async () => awaited.promise,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function reply(script: Script, request: ScriptedRequest, count: number, response: ServerResponse): Promise<void> {
  const chosen = await script(request, count)
  if (chosen === 'hang') return
  const { status = 200, index = 1, headers, body = [], isCut = false } = chosen
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(index !== null && { 'x-consul-index': String(index) }),
    ...headers,
  })
  if (isCut) response.write(text.slice(0, text.length / 2), () => cutOff(response))
  else response.end(text)
}

function serverFor(listener: RequestListener, secure: (SecureServerOptions & { isWithoutH2?: boolean }) | undefined) {
  if (secure === undefined) return createServer(listener)
  const { isWithoutH2 = false, ...options } = secure
  if (isWithoutH2) return createHttpsServer(options, listener)
  return createSecureServer({ allowHTTP1: true, ...options }, listener as never)
}

function cutOff(response: ServerResponse & { readonly stream?: ServerHttp2Stream }): void {
  if (response.stream === undefined) response.destroy()
  else response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}

function sessionOf({ stream }: IncomingMessage & { readonly stream?: ServerHttp2Stream }): ServerHttp2Session | null {
  return (stream?.session as ServerHttp2Session | undefined) ?? null
}

/** A row of `/v1/health/service/:service` with what a test does not care about filled in. */
export function serviceRow(row: {
  readonly id: string
  readonly node?: object
  readonly service?: object
  readonly checks?: unknown
}): object {
  return {
    Node: { Node: 'n1', Address: '10.1.0.1', Meta: null, ...row.node },
    Service: { ID: row.id, Service: 'web', Tags: null, Address: '10.0.0.1', Port: 80, Meta: null, ...row.service },
    Checks: row.checks ?? [{ Node: 'n1', CheckID: 'serfHealth', Status: 'passing', ServiceID: '', ServiceName: '' }],
  }
}
