import type { Config, LoadedConfig, SourceConfig } from './config/config.ts'
import { readInstanceFile } from './config/instance-file.ts'
import { systemControlClock } from './control/control-clock.ts'
import { ControlPlane } from './control/control-plane.ts'
import { Timeline } from './control/timeline.ts'
import type { DecisionType } from './core/decision.ts'
import type { Ledger } from './core/ledger.ts'
import type { ConnectMiddleware } from './core/middleware.ts'
import type { RouteRule } from './core/route.ts'
import { createDiscovery } from './discovery/index.ts'
import { createResolver } from './discovery/resolve.ts'
import type { Inheritance } from './handover/inheritance.ts'
import { probeCheck } from './health/check-probe.ts'
import { probeConnect } from './health/connect-probe.ts'
import type { LogWriter } from './observe/log-writer.ts'
import type { Logger } from './observe/logger.ts'
import { type AdoptedSockets, adoptSockets } from './workers/adopt-sockets.ts'
import { columnsFor } from './workers/data-plane.ts'
import type { PortSharing } from './workers/share-ports.ts'
import type { ThreadPlan } from './workers/thread-plan.ts'

// Parts of the gateway whose making needs nothing of it.

export interface GatewayOptions {
  readonly loaded: LoadedConfig
  /** Reads the configuration anew, for `reload`. */
  readonly load: () => Promise<LoadedConfig>
  readonly logger: Logger
  /** Takes the access log of an in-process data plane; worker threads write theirs to `logFd`. */
  readonly logWriter: LogWriter
  readonly logFd: number
  /** Listening sockets that this process was started with; default none. */
  readonly inheritance?: Inheritance
  /** What requests pass before they are routed; default none. */
  readonly middlewares?: readonly ConnectMiddleware[]
  /** Module of the worker threads, for tests that need one that fails. */
  readonly threadEntry?: URL
  /** Whether threads can share ports here, for tests of systems where they can't. */
  readonly probePortSharing?: () => Promise<PortSharing>
}

/** Decisions that somebody may have to act on. */
const alarming: ReadonlySet<DecisionType> = new Set([
  'ejected',
  'disagreement',
  'source-lost',
  'held',
  'skipped',
  'config-rejected',
  'worker-replaced',
  'limited',
  'shedding-begun',
  'handover-failed',
  'route-skipped',
])

/** A timeline whose decisions are log lines, too. */
export function createTimeline(logger: Logger): Timeline {
  return new Timeline({
    clock: systemControlClock,
    onDecision: ({ type, service, endpoint, cause }) =>
      logger[alarming.has(type) ? 'warn' : 'info']({ service, endpoint, cause }, type),
  })
}

export function createControl(parts: {
  readonly ledger: Ledger
  readonly timeline: Timeline
  readonly logger: Logger
  readonly stateDir: string | null
}): ControlPlane<SourceConfig> {
  const { logger } = parts
  const random = Math.random
  const resolver = createResolver({
    random,
    onUnresolved: (name, reason) => logger.warn({ name, reason }, 'host name not resolved'),
  })
  return new ControlPlane({
    ...parts,
    clock: systemControlClock,
    random,
    probe: probeConnect,
    checkProbe: probeCheck,
    createDiscovery: (entry, onSkipped) =>
      createDiscovery(entry, { random, onSkipped, readInstances: readInstanceFile }),
    resolve: (answers, signal) => resolver.resolved(answers, signal),
    onProblem: ({ place, message }) => logger.warn({ place, problem: message }, 'control plane'),
  })
}

/** Finds the listeners of the sockets that this process was started with, and says which have none. */
export async function adoptInheritance(
  { handed, lent }: Inheritance,
  plan: ThreadPlan,
  { loaded, logger }: { readonly loaded: LoadedConfig; readonly logger: Logger },
): Promise<AdoptedSockets> {
  const { listeners, admin } = loaded.config
  const columns = columnsFor(plan.workers, plan.sharesPorts)
  const onProblem = (problem: string) => logger.warn({ place: 'listening sockets', problem }, 'data plane')
  const adopted = await adoptSockets({ listeners, admin, handed, lent, plan, columns, onProblem })
  for (const socket of adopted.unclaimed) logger.warn(socket, 'no listener wants this socket; it is closed')
  return adopted
}

/** What metrics have a series for from the start. */
export function namesOf({ services, listeners }: Config, routes: readonly RouteRule[]) {
  const names = new Set([...services.map(({ key }) => key), ...routes.map(({ service }) => service)])
  return { routes, services: [...names].map((name) => ({ name })), listeners }
}
