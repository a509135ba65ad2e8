import { type sendUnaryData, type Server, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import type { HealthReport } from '../registration.ts'

/** `grpc.health.v1.HealthCheckResponse.ServingStatus` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
const serving = { unknown: 0, serving: 1, notServing: 2, serviceUnknown: 3 } as const

interface HealthCheckRequest {
  readonly service: string
}

interface HealthCheckResponse {
  readonly status: number
}

const watchIntervalMs = 5000

/** `message HealthCheckRequest { string service = 1; }` */
function readRequest(bytes: Buffer): HealthCheckRequest {
  const [tag, low = 0, high = 0] = bytes
  if (tag !== 0x0a) return { service: '' }
  // A varint: seven bits a byte, the least first. Names longer than two of them hold are none that is served here.
  const [length, begin] = low < 0x80 ? [low, 2] : [(low & 0x7f) | (high << 7), 3]
  return { service: bytes.subarray(begin, begin + length).toString('utf8') }
}

function writeRequest({ service }: HealthCheckRequest): Buffer {
  const name = Buffer.from(service)
  if (name.length === 0) return name
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

/** `message HealthCheckResponse { ServingStatus status = 1; }` */
function writeResponse(response: HealthCheckResponse): Buffer {
  return response.status === 0 ? Buffer.alloc(0) : Buffer.from([0x08, response.status])
}

function readResponse(bytes: Buffer): HealthCheckResponse {
  return { status: bytes[1] ?? 0 }
}

const messages = {
  requestDeserialize: readRequest,
  requestSerialize: writeRequest,
  responseSerialize: writeResponse,
  responseDeserialize: readResponse,
}

/** The two methods of `grpc.health.v1.Health`, for servers and for clients. */
export const healthDefinition = {
  Check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...messages },
  Watch: { path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true, ...messages },
} as const

/** What is asked; the object of `health()` fits. One that says when the instance leaves ends its watches then: a drain would wait for them. */
export interface WatchedHealth {
  readonly report: () => HealthReport | Promise<HealthReport>
  readonly isLeaving?: boolean
  onLeaving?(listener: () => void): () => void
}

/**
 * Adds gRPC's health service to a server, so that Consul's gRPC checks, Kubernetes' probes and load balancers can ask it: SERVING while
 * `health` reports passing or warning. Services besides the server itself (the empty name) are known where they are named here.
 */
export function addHealthService(server: Server, health: WatchedHealth, services: readonly string[] = []): void {
  const look = async (name: string): Promise<HealthCheckResponse> => {
    if (name !== '' && !services.includes(name)) return { status: serving.serviceUnknown }
    const report = await health.report()
    return { status: report.status === 'critical' ? serving.notServing : serving.serving }
  }
  server.addService(healthDefinition, {
    Check: (
      call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      answer: sendUnaryData<HealthCheckResponse>,
    ) => {
      void look(call.request.service).then(
        (found) => {
          if (found.status !== serving.serviceUnknown) return answer(null, found)
          return answer({ code: status.NOT_FOUND, details: `no service ${call.request.service} here` })
        },
        (error: unknown) => answer({ code: status.INTERNAL, details: String(error) }),
      )
    },
    Watch: (call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>) => {
      let last = -1
      const tell = async (): Promise<void> => {
        const found = await look(call.request.service).catch(() => ({ status: serving.unknown }))
        if (call.cancelled || call.writableEnded) return
        if (found.status !== last) call.write(found)
        last = found.status
        if (health.isLeaving === true) call.end()
      }
      const timer = setInterval(() => void tell(), watchIntervalMs)
      const forget = health.onLeaving?.(() => void tell())
      const over = (): void => {
        clearInterval(timer)
        forget?.()
      }
      call.on('cancelled', over).on('finish', over).on('close', over)
      void tell()
    },
  })
}
