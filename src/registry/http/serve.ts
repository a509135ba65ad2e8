import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { ApiError } from '../api-error.ts'
import type { FaultTable } from '../faults/fault-table.ts'
import { suffer } from '../faults/suffer.ts'
import type { ApiAnswer, LateAnswer } from './api-request.ts'
import { readBytes, readJson } from './body.ts'
import { refuseBrowsers } from './guard.ts'
import { findOperations, type Operation } from './operation.ts'

export interface ServeOptions {
  readonly operations: readonly Operation[]
  /** Whether only this machine can connect, so that any other Host is a trick. */
  readonly isOnLoopback: boolean
  readonly faults: FaultTable
}

/** Answers Consul's HTTP API from a table of operations. Whatever goes wrong becomes an answer; nothing is thrown. */
export function serve(options: ServeOptions): RequestListener {
  return (request, response) => {
    // A client that breaks off says so here as well as by `close`, and unheard it would end the process.
    request.on('error', () => {})
    response.on('error', () => {})
    void answerTo(request, response, options)
  }
}

/** An answer as it is written. */
interface Written {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

// Once: an abort without a reason makes an error with a stack each time.
const clientIsGone = new Error('the client is gone')

async function answerTo(request: IncomingMessage, response: ServerResponse, options: ServeOptions): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(clientIsGone))
  let isCut = false
  let answer: Written
  try {
    refuseBrowsers(request, options.isOnLoopback)
    const [encodedPath = '', search = ''] = (request.url ?? '/').split(/\?(.*)/s, 2)
    const path = decodePath(encodedPath)
    const { answer: ordered, cut } = await suffer(options.faults.meet(path), gone.signal)
    if (cut === 'head') return cutOff(response)
    isCut = cut === 'body'
    if (ordered) answer = write(ordered, false)
    else {
      const query = new URLSearchParams(search)
      const made = await operate(options.operations, request, { path, query, signal: gone.signal })
      answer = write(typeof made === 'function' ? made() : made, query.has('pretty'))
    }
  } catch (error) {
    answer =
      error instanceof ApiError
        ? plain(error.status, error.message, error.headers)
        : plain(500, error instanceof Error ? error.message : String(error))
  }
  send(response, answer, isCut)
}

async function operate(
  table: readonly Operation[],
  request: IncomingMessage,
  { path, query, signal }: { readonly path: string; readonly query: URLSearchParams; readonly signal: AbortSignal },
): Promise<ApiAnswer | LateAnswer> {
  const { operations, name } = findOperations(table, path)
  if (operations.length === 0) throw unsupported(request.method, path)
  const allow = ['OPTIONS', ...operations.map(({ method }) => method)].join(',')
  if (request.method === 'OPTIONS') return { headers: { allow } }
  const operation = operations.find(({ method }) => method === request.method)
  if (!operation) throw new ApiError(405, `method ${request.method} not allowed`, { allow })
  return operation.answer({
    name,
    query,
    signal,
    body: async () => readJson(request),
    bytes: async (maxBytes) => readBytes(request, maxBytes),
  })
}

function write({ status = 200, headers = {}, json, bytes = Buffer.alloc(0) }: ApiAnswer, isPretty: boolean): Written {
  if (json === undefined) return { status, headers, body: bytes }
  const body = Buffer.from(JSON.stringify(json, null, isPretty ? 4 : 0))
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Written {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: Buffer.from(text) }
}

/** Cut, the second half of the body is announced and never sent. */
function send(response: ServerResponse, { status, headers, body }: Written, isCut: boolean): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  if (isCut) response.write(body.subarray(0, body.length / 2), () => cutOff(response))
  else response.end(body)
}

/** Breaks the connection or, over HTTP/2, which many requests share, the stream. */
function cutOff(response: ServerResponse): void {
  const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream }
  if (stream === undefined) response.destroy()
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new ApiError(400, 'The path has a broken % escape')
  }
}

function unsupported(method: string | undefined, path: string): ApiError {
  if (!path.startsWith('/v1/')) return new ApiError(404, `Not found: ${path}. Consul's HTTP API is under /v1/`)
  return new ApiError(
    501,
    `${method} ${path} is not supported by this registry, which has only what services need to find each other`,
  )
}
