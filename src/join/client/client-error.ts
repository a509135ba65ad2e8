import { failures, type Failure } from '../../core/failure.ts'

/** A call that got no answer, or only a part of one. `failure` is one of the gateway's (docs/reference/failures.md), stable. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: Failure
  readonly service: string
  /** `host:port` of the last instance that was tried; null where there was none. */
  readonly address: string | null

  constructor(code: Failure, service: string, address: string | null, cause: unknown) {
    const where = address === null ? service : `${service} at ${address}`
    super(`${where}: ${failures[code].title.replace(/^./, (first) => first.toLowerCase())}`, { cause })
    this.code = code
    this.service = service
    this.address = address
  }
}
