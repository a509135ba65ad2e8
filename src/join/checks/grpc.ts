import { connect } from 'node:http2'
import { readResponse, serving, writeRequest } from '../grpc/health-messages.ts'
import type { HealthReport } from '../registration.ts'

/** Of a message in a gRPC stream: a flag, and its length in 32 bits (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const frameBytes = 5
const maxAnswerBytes = 1024

/**
 * Asks gRPC's health service, over plain HTTP/2, so that it needs no gRPC library.
 * @param target `host:port`, or `host:port/service` for the health of one service
 */
export function checkGrpc(target: string, tls: boolean, timeoutMs: number): Promise<HealthReport> {
  const [address = '', service = ''] = target.split(/\/(.*)/s, 2)
  const { promise, resolve } = Promise.withResolvers<HealthReport>()
  const critical = (why: string): void => resolve({ status: 'critical', note: `gRPC health of ${target}: ${why}` })
  const session = connect(`${tls ? 'https' : 'http'}://${address}`)
  const timer = setTimeout(() => critical(`no answer within ${timeoutMs} ms`), timeoutMs)
  session.on('error', ({ message }: Error) => critical(message))
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let answer = Buffer.alloc(0)
  let grpcStatus: unknown = null
  const read = (headers: Record<string, unknown>): void => void (grpcStatus = headers['grpc-status'] ?? grpcStatus)
  stream.on('response', read)
  stream.on('trailers', read)
  stream.on('error', ({ message }: Error) => critical(message))
  stream.on('data', (chunk: Buffer) => {
    if (answer.length < maxAnswerBytes) answer = Buffer.concat([answer, chunk])
  })
  stream.on('end', () => {
    if (grpcStatus !== '0') return critical(`the call ended with status ${String(grpcStatus)}`)
    const { status } = readResponse(answer.subarray(frameBytes))
    if (status === serving.serving) resolve({ status: 'passing', note: '' })
    else critical('it is not serving')
  })
  const message = writeRequest({ service })
  const frame = Buffer.alloc(frameBytes)
  frame.writeUInt32BE(message.length, 1)
  stream.end(Buffer.concat([frame, message]))
  return promise.finally(() => {
    clearTimeout(timer)
    session.destroy()
  })
}
