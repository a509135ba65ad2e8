import { failures, type Failure } from '../../core/failure.ts'
import { flat } from '../../util/latin1.ts'
import type { RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'

/** The methods an `Allow` of our own names; any other token is forwarded too. */
export const servedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** Reason phrases of the answers the gateway makes itself. */
const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/** What an answer has to say about our own connection: nothing where HTTP/1.1 keeps it. */
export function connectionOption({ minor }: RequestHead, closes: boolean): '' | 'close' | 'keep-alive' {
  if (closes) return 'close'
  return minor === 0 ? 'keep-alive' : ''
}

/** A forwarded response head. */
export function responseHeadText(
  head: ResponseHead,
  framing: 'plain' | 'chunked',
  connection: '' | 'close' | 'keep-alive',
): string {
  let text = head.forwardedText
  if (text === null) {
    text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.carried}`
    if (head.isRepeated) head.forwardedText = text = flat(text)
  }
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n'
  if (connection !== '') text += `connection: ${connection}\r\n`
  return `${text}\r\n`
}

export function interimText(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.carried}\r\n`
}

/** A 101 towards the client: the upgrade fields are set again, since they are hop-by-hop. */
export function switchingText(head: ResponseHead): string {
  return `HTTP/1.1 101 ${head.reason}\r\n${head.carried}connection: upgrade\r\nupgrade: ${head.upgrade}\r\n\r\n`
}

/**
 * An answer of the gateway itself: a problem document (RFC 9457) that names the failure.
 *
 * @param withBody false for HEAD
 */
export function problemText(
  failure: Failure,
  requestId: string,
  connection: '' | 'close' | 'keep-alive',
  withBody: boolean,
): string {
  const { status, title } = failures[failure]
  const body = `{"type":"urn:tidegate:failure:${failure}","title":"${title}","status":${status},"requestId":"${requestId}"}\n`
  let text = `HTTP/1.1 ${status} ${phrases[status]}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nx-request-id: ${requestId}\r\nx-tidegate-error: ${failure}\r\n`
  if (status === 503) text += 'retry-after: 1\r\n'
  if (status === 405) text += `allow: ${servedMethods}\r\n`
  if (connection !== '') text += `connection: ${connection}\r\n`
  return withBody ? `${text}\r\n${body}` : `${text}\r\n`
}
