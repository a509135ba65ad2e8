import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

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
}

export interface ScriptedRegistry {
  /** For example `http://127.0.0.1:41234`. */
  readonly address: string
  readonly requests: readonly ScriptedRequest[]
  /** Resolves with the next request from now on. */
  nextRequest(): Promise<ScriptedRequest>
  close(): Promise<void>
}

/** What to answer; `hang` never does. A promise lets the test choose the moment. */
export type Script = (request: ScriptedRequest, count: number) => Reply | Promise<Reply>
type Reply = ScriptedReply | 'hang'

/** An HTTP server that plays a Consul which says and does what a real one can't be made to; `count` is 1 for the first request. */
export async function startScriptedRegistry(script: Script): Promise<ScriptedRegistry> {
  const requests: ScriptedRequest[] = []
  let awaited = Promise.withResolvers<ScriptedRequest>()
  const server = createServer((incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://registry')
    const request = {
      path: pathname,
      index: searchParams.get('index'),
      query: searchParams,
      headers: incoming.headers,
    }
    requests.push(request)
    awaited.resolve(request)
    awaited = Promise.withResolvers()
    void reply(script, request, requests.length, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    address: `http://127.0.0.1:${port}`,
    requests,
    nextRequest: async () => awaited.promise,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
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
  if (isCut) response.write(text.slice(0, text.length / 2), () => response.destroy())
  else response.end(text)
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
