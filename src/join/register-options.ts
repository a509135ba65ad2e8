import type { Server } from 'node:http'
import type { GrpcServerLike } from './drain.ts'
import type { JoinEvent } from './join-event.ts'
import type { HealthReport } from './registration.ts'

/** `250ms`, `5s`, `1m`, `1.5h`, or milliseconds. */
export type DurationInput = string | number

export type CheckInput =
  /** The instance reports by itself, every third of it. Default of all: `{ ttl: '15s' }`. */
  | { readonly ttl: DurationInput }
  /** A path of the instance, such as `/health`, or a whole URL; 2xx = passing, 429 = warning. */
  | { readonly http: string; readonly interval?: DurationInput; readonly timeout?: DurationInput }
  /** Whether it takes connections; a string names another `host:port`. */
  | { readonly tcp: true | string; readonly interval?: DurationInput; readonly timeout?: DurationInput }
  /** gRPC's health service, of the whole server or of the named service. */
  | {
      readonly grpc: true | string
      readonly tls?: boolean
      readonly interval?: DurationInput
      readonly timeout?: DurationInput
    }

export interface RegisterOptions {
  /** The service's name in the registry. */
  readonly name: string
  readonly port: number
  /**
   * Where to register: `consul://`, `etcd://`, `mdns://` or `tidegate://`. Default: TIDEGATE_REGISTRY from the environment, else `consul://127.0.0.1:8500`, the agent of this machine.
   */
  readonly registry?: string
  /** Of this instance, the same at each start. Default: `NAME-HOST-PORT` with this machine's host name. */
  readonly id?: string
  /** What callers connect to. Default: this machine's address on the route to the registry; with an agent on this machine, the agent's. */
  readonly address?: string
  readonly tags?: readonly string[]
  readonly meta?: Readonly<Record<string, string>>
  /** Share of traffic relative to the other instances, 1 to 65,535. Default: the registry's, 1. */
  readonly weight?: number
  readonly version?: string
  readonly zone?: string
  readonly check?: CheckInput
  /** How long the instance may be dead before the registry forgets it; null = for ever. Default `1m`, the least that Consul takes. */
  readonly deregisterAfter?: DurationInput | null
  /** What each heartbeat of a TTL check reports; asked each time. Default: passing. The object of `health()` fits; several instances may share it: it says no from when the last of them leaves, until one joins again. */
  readonly health?: {
    readonly report: () => HealthReport | Promise<HealthReport>
    readonly joining?: () => void
    readonly leaving?: () => void
  }
  /** An HTTP or gRPC server that is drained before the instance is deregistered: takes nothing new, tells its clients, finishes what is in flight. */
  readonly server?: Server | GrpcServerLike
  /** Between the registry's showing that the instance leaves and the drain: what its watchers take to hear of it. Default `500ms`. */
  readonly settle?: DurationInput
  /** How long the drain may take. Default `25s`. */
  readonly drainDeadline?: DurationInput
  /** How long the first registration is waited for before the service goes on without; it is tried on all the same. Default `10s`. */
  readonly joinTimeout?: DurationInput
  /** Leaves when it aborts. */
  readonly signal?: AbortSignal
  /** Signals on which it leaves; afterwards the process ends by the same signal, unless others listen for it too. Default SIGTERM and SIGINT; [] = none. */
  readonly leaveOn?: readonly NodeJS.Signals[]
  /** Told of everything worth a log line. Default: warnings on stderr. */
  readonly onEvent?: (event: JoinEvent) => void
}
