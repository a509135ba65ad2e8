import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { HttpProbe, ProbeResult } from './definition.ts'
import { describeDialError } from './dial-error.ts'
import type { Until } from './until.ts'

/** Sends one request and judges the answer: 2xx passing, 429 warning, all else critical. Never rejects. */
export async function probeHttp(probe: HttpProbe, outputMaxBytes: number, until: Until): Promise<ProbeResult> {
  try {
    const response = await send(probe, until.signal)
    const body = await readTail(response, outputMaxBytes)
    const code = response.statusCode ?? 0
    return {
      status: code >= 200 && code <= 299 ? 'passing' : code === 429 ? 'warning' : 'critical',
      output: `HTTP ${probe.method} ${probe.url}: ${code} ${response.statusMessage} Output: ${body}`,
    }
  } catch (error) {
    const verb = probe.method.charAt(0).toUpperCase() + probe.method.slice(1).toLowerCase()
    const reason = until.deadline.aborted ? timedOut : describeDialError(error)
    return { status: 'critical', output: `${verb} "${probe.url}": ${reason}` }
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
