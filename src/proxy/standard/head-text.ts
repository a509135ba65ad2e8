import type { IncomingMessage } from 'node:http'
import { fieldLines } from './field-lines.ts'

/**
 * A request head as text again, so that what node:http has read is judged by the very rules of the fast engine. Without the
 * empty line, and the last field without its CRLF.
 */
export function requestHeadText({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  return `${method} ${url} HTTP/${httpVersion}\r\n${fieldLines(rawHeaders)}`.slice(0, -2)
}

/** The same for a response head, an interim one included. */
export function responseHeadText(response: {
  readonly httpVersion: string
  readonly statusCode?: number | undefined
  readonly statusMessage?: string | undefined
  readonly rawHeaders: readonly string[]
}): string {
  const { httpVersion, statusCode, statusMessage, rawHeaders } = response
  return `HTTP/${httpVersion} ${statusCode} ${statusMessage ?? ''}\r\n${fieldLines(rawHeaders)}`.slice(0, -2)
}
