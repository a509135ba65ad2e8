import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { ApiError } from '../api-error.ts'
import type { ApiAnswer } from './api-request.ts'
import { readBytes, readJson } from './body.ts'
import { refuseBrowsers } from './guard.ts'
import { findOperations, type Operation } from './operation.ts'

export interface ServeOptions {
  readonly operations: readonly Operation[]
  /** Whether only this machine can connect, so that any other Host is a trick. */
  readonly isOnLoopback: boolean
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

async function answerTo(request: IncomingMessage, response: ServerResponse, options: ServeOptions): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    refuseBrowsers(request, options.isOnLoopback)
    const url = request.url ?? '/'
    const [path = '', search = ''] = url.split(/\?(.*)/s, 2)
    const { operations, name } = findOperations(options.operations, decodePath(path))
    if (operations.length === 0) throw unsupported(request.method, path)
    const allowed = ['OPTIONS', ...operations.map(({ method }) => method)].join(',')
    if (request.method === 'OPTIONS') return end(response, 200, { allow: allowed }, '')
    const operation = operations.find(({ method }) => method === request.method)
    if (!operation) {
      return end(response, 405, { ...plainText, allow: allowed }, `method ${request.method} not allowed`)
    }
    const query = new URLSearchParams(search)
    const answer = await operation.answer({
      name,
      query,
      signal: gone.signal,
      body: async () => readJson(request),
      bytes: async (maxBytes) => readBytes(request, maxBytes),
    })
    endWith(response, answer, query.has('pretty'))
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 500
    end(response, status, plainText, error instanceof Error ? error.message : String(error))
  }
}

const plainText = { 'content-type': 'text/plain; charset=utf-8' }

function endWith(response: ServerResponse, answer: ApiAnswer, isPretty: boolean): void {
  const { status = 200 } = answer
  if (answer.json === undefined) return end(response, status, answer.headers ?? {}, answer.bytes ?? '')
  const body = JSON.stringify(answer.json, null, isPretty ? 4 : 0)
  end(response, status, { 'content-type': 'application/json', ...answer.headers }, body)
}

function end(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
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
