import { once } from 'node:events'
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import type { GrpcProbe, ProbeResult } from './definition.ts'
import { describeDialError } from './dial-error.ts'
import { encodeRequest, isServing } from './grpc-health.ts'
import type { Until } from './until.ts'

/** The answer is a few bytes; a server that sends more is not read on. */
const maxAnswerBytes = 1024

/** How the call ended, by `grpc-status`. */
interface Ended {
  readonly code: number
  readonly message: string
  readonly body: Buffer
}

/** Asks a server over a connection of its own how it is. Never rejects. */
export async function probeGrpc(probe: GrpcProbe, { signal, deadline }: Until): Promise<ProbeResult> {
  const { address, service, useTls } = probe
  const url = `${useTls ? 'https' : 'http'}://${address}`
  // A host that a TCP check could have; `connect` would throw.
  if (!URL.canParse(url)) return critical(`rpc error: code = Unavailable desc = no such host ${address}`)
  const session = connect(url, {
    rejectUnauthorized: !probe.tlsSkipVerify,
    ...(probe.tlsServerName && { servername: probe.tlsServerName }),
  })
  session.on('error', () => {})
  try {
    await once(session, 'connect', { signal })
    const { code, message, body } = await call(session, service, signal)
    if (code !== 0) return critical(`rpc error: code = ${codeNames[code] ?? `Code(${code})`} desc = ${message}`)
    if (!isServing(body)) return critical("gRPC application didn't report service healthy")
    return { status: 'passing', output: `gRPC check ${service ? `${address}/${service}` : address}: success` }
  } catch (error) {
    if (deadline.aborted) return critical('rpc error: code = DeadlineExceeded desc = context deadline exceeded')
    const reason = `transport: Error while dialing ${describeDialError(error)}`
    return critical(`rpc error: code = Unavailable desc = connection error: desc = ${JSON.stringify(reason)}`)
  } finally {
    session.destroy()
  }
}

async function call(session: ClientHttp2Session, service: string, signal: AbortSignal): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'Consul Health Check',
    },
    { signal },
  )
  let body = Buffer.alloc(0)
  let headers: IncomingHttpHeaders = {}
  stream
    .on('response', (received) => {
      headers = received
    })
    // Without a body the status comes in the only head there is.
    .on('trailers', (received) => {
      headers = { ...headers, ...received }
    })
    .on('data', (chunk: Buffer) => {
      body = Buffer.concat([body, chunk])
      if (body.length > maxAnswerBytes) stream.destroy(new Error('the answer is too long'))
    })
    .on('error', reject)
    .on('close', () => (headers[':status'] === undefined ? reject(new Error('EOF')) : resolve(read(headers, body))))
    .end(encodeRequest(service))
  return promise
}

function read(headers: IncomingHttpHeaders, body: Buffer): Ended {
  const { 'grpc-status': status, 'grpc-message': message = '', ':status': httpStatus = 0 } = headers
  // Something that is no gRPC server; gRPC maps HTTP's statuses, of which Unknown is the rest.
  if (status === undefined) return { code: 2, message: `no grpc-status with HTTP status ${String(httpStatus)}`, body }
  return { code: Number(status), message: decode(String(message)), body }
}

/** Percent-encoded, by PROTOCOL-HTTP2.md; as it is where that is broken. */
function decode(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

function critical(output: string): ProbeResult {
  return { status: 'critical', output }
}

/** By number, in Go's spelling. */
const codeNames =
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'.split(
    ' ',
  )
