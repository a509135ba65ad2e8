import { type sendUnaryData, type Server, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import { endsWith } from '../ends-with-server.ts'
import type { HealthReport } from '../registration.ts'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  readRequest,
  readResponse,
  serving,
  writeRequest,
  writeResponse,
} from './health-messages.ts'

const watchIntervalMs = 5000

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
      const tell = async (isLast: boolean): Promise<void> => {
        const found = await look(call.request.service).catch(() => ({ status: serving.unknown }))
        if (call.cancelled || call.writableEnded) return
        if (found.status !== last) call.write(found)
        last = found.status
        if (isLast || health.isLeaving === true) call.end()
      }
      const timer = setInterval(() => void tell(false), watchIntervalMs)
      const forget = health.onLeaving?.(() => void tell(true))
      const stay = endsWith(server, () => void tell(true))
      const over = (): void => {
        clearInterval(timer)
        forget?.()
        stay()
      }
      call.on('cancelled', over).on('finish', over).on('close', over)
      void tell(false)
    },
  })
}
