import { ApiError } from '../api-error.ts'
import type { CutFault } from '../faults/fault.ts'
import type { FaultTable } from '../faults/fault-table.ts'
import { suffer } from '../faults/suffer.ts'
import type { ApiAnswer, ApiRequest, LateAnswer } from './api-request.ts'
import { findOperations, type Operation } from './operation.ts'

export interface ServeOptions {
  readonly operations: readonly Operation[]
  /** Whether only this machine can connect, so that any other Host is a trick. */
  readonly isOnLoopback: boolean
  readonly faults: FaultTable
}

/** What is asked, by whichever way it came. */
export interface Asked extends Pick<ApiRequest, 'signal' | 'body' | 'bytes'> {
  readonly method: string | undefined
  /** The path and its query, as sent. */
  readonly url: string
}

/** An answer as it is written. */
export interface Written {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** @param cut where the connection breaks in place of the whole answer */
export type Send = (answer: Written, cut: CutFault['cut'] | undefined) => void

/** Whatever goes wrong becomes an answer. Resolves when it is sent, and never rejects. @param send is given the answer, see LateAnswer */
export async function answerTo(asked: Asked, { operations, faults }: ServeOptions, send: Send): Promise<void> {
  const { method, url, signal } = asked
  let cut: CutFault['cut'] | undefined
  let answer: Written
  try {
    const [encodedPath = '', search = ''] = url.split(/\?(.*)/s, 2)
    const path = decodePath(encodedPath)
    const suffered = await suffer(faults.meet(path), signal)
    cut = suffered.cut
    if (suffered.answer !== undefined) answer = write(suffered.answer, false)
    else {
      const query = new URLSearchParams(search)
      const made = await operate(operations, method, path, { query, signal, body: asked.body, bytes: asked.bytes })
      answer = write(typeof made === 'function' ? made() : made, query.has('pretty'))
    }
  } catch (error) {
    answer = writtenError(error)
  }
  send(answer, cut)
}

export function writtenError(error: unknown): Written {
  if (error instanceof ApiError) return plain(error.status, error.message, error.headers)
  return plain(500, error instanceof Error ? error.message : String(error))
}

async function operate(
  table: readonly Operation[],
  method: string | undefined,
  path: string,
  request: Omit<ApiRequest, 'name'>,
): Promise<ApiAnswer | LateAnswer> {
  const { operations, name } = findOperations(table, path)
  if (operations.length === 0) throw unsupported(method, path)
  const allow = ['OPTIONS', ...operations.map((operation) => operation.method)].join(',')
  if (method === 'OPTIONS') return { headers: { allow } }
  const operation = operations.find((candidate) => candidate.method === method)
  if (!operation) throw new ApiError(405, `method ${method} not allowed`, { allow })
  return operation.answer({ ...request, name })
}

function write({ status = 200, headers = {}, json, bytes = Buffer.alloc(0) }: ApiAnswer, isPretty: boolean): Written {
  if (json === undefined) return { status, headers, body: bytes }
  const body = Buffer.from(JSON.stringify(json, null, isPretty ? 4 : 0))
  return { status, headers: { 'content-type': 'application/json', ...headers }, body }
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Written {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: Buffer.from(text) }
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
