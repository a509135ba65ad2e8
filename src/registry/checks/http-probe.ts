import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { CheckStatus } from '../model.ts'
import type { HttpProbe } from './definition.ts'

export interface ProbeResult {
  readonly status: CheckStatus
  /** In Consul's wording. */
  readonly output: string
}

/** Sends one request and judges the answer: 2xx passing, 429 warning, all else critical. Never rejects. */
export async function probeHttp(probe: HttpProbe, outputMaxBytes: number, signal: AbortSignal): Promise<ProbeResult> {
  // Go's durations have fractions of a millisecond, which AbortSignal refuses.
  const deadline = AbortSignal.timeout(Math.ceil(probe.timeoutMs))
  try {
    const response = await send(probe, AbortSignal.any([signal, deadline]))
    const body = await readTail(response, outputMaxBytes)
    const code = response.statusCode ?? 0
    return {
      status: code >= 200 && code <= 299 ? 'passing' : code === 429 ? 'warning' : 'critical',
      output: `HTTP ${probe.method} ${probe.url}: ${code} ${response.statusMessage} Output: ${body}`,
    }
  } catch (error) {
    const verb = probe.method.charAt(0).toUpperCase() + probe.method.slice(1).toLowerCase()
    return { status: 'critical', output: `${verb} "${probe.url}": ${deadline.aborted ? timedOut : describe(error)}` }
  }
}

async function send(probe: HttpProbe, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(probe.url)
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: probe.method,
    headers: headersOf(probe),
    // Its own connection each time: a kept one that the service closes meanwhile would fail the check.
    agent: false,
    signal,
    rejectUnauthorized: !probe.tlsSkipVerify,
    ...(probe.tlsServerName && { servername: probe.tlsServerName }),
  })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.on('response', resolve).on('error', reject).end(probe.body)
  return promise
}

function headersOf(probe: HttpProbe): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'user-agent': 'Consul Health Check', accept: 'text/plain, text/*, */*' }
  for (const [name, values] of Object.entries(probe.header)) {
    headers[name.toLowerCase()] = values.length === 1 ? values[0] : values
  }
  return headers
}

/** The end of the body, as Consul keeps it: errors tend to be told last. */
async function readTail(response: IncomingMessage, maxBytes: number): Promise<string> {
  let tail = Buffer.alloc(0)
  for await (const chunk of response) {
    tail = Buffer.concat([tail, chunk]).subarray(-maxBytes)
  }
  return tail.toString()
}

const timedOut = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'

/** Go's words for what happens most, since people search for them. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'ECONNREFUSED') return `dial tcp ${address}:${port}: connect: connection refused`
  if (code === 'ECONNRESET') return 'EOF'
  return error.message
}
