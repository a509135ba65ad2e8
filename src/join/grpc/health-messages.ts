/** `grpc.health.v1.HealthCheckResponse.ServingStatus` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export const serving = { unknown: 0, serving: 1, notServing: 2, serviceUnknown: 3 } as const

export interface HealthCheckRequest {
  readonly service: string
}

export interface HealthCheckResponse {
  readonly status: number
}

/** `message HealthCheckRequest { string service = 1; }` */
export function readRequest(bytes: Buffer): HealthCheckRequest {
  const [tag, low = 0, high = 0] = bytes
  if (tag !== 0x0a) return { service: '' }
  // A varint: seven bits a byte, the least first. Names longer than two of them hold are none that is served here.
  const [length, begin] = low < 0x80 ? [low, 2] : [(low & 0x7f) | (high << 7), 3]
  return { service: bytes.subarray(begin, begin + length).toString('utf8') }
}

export function writeRequest({ service }: HealthCheckRequest): Buffer {
  const name = Buffer.from(service)
  if (name.length === 0) return name
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

/** `message HealthCheckResponse { ServingStatus status = 1; }` */
export function writeResponse(response: HealthCheckResponse): Buffer {
  return response.status === 0 ? Buffer.alloc(0) : Buffer.from([0x08, response.status])
}

export function readResponse(bytes: Buffer): HealthCheckResponse {
  return { status: bytes[1] ?? 0 }
}
