import type { EjectionReason } from '../core/decision.ts'
import type { Ledger } from '../core/ledger.ts'
import type { RegistryWord } from '../core/snapshot.ts'
import { eligible } from '../health/eligibility.ts'
import { checkFails, drainedByCommand, ejectedByCommand, stateOf, type EndpointState } from '../health/state.ts'
import type { ControlClock } from './control-clock.ts'
import { disputedWords, type Disagreements, type DisputedWord } from './disagreements.ts'
import type { FoundLimits } from './found-limits.ts'
import type { HealthChecks } from './health-checks.ts'
import { addressOf } from './identity.ts'
import type { EndpointRecord } from './membership.ts'
import { untilOf, type Order, type Orders } from './orders.ts'
import { loadOf, type LoadView } from './load-view.ts'
import type { ServiceLine } from './service-line.ts'
import type { SourceLine } from './source-line.ts'

/** An endpoint as the admin API shows it. */
export interface EndpointView {
  readonly id: string
  readonly address: string
  readonly weight: number
  readonly zone: string
  readonly version: string
  readonly registry: RegistryWord
  readonly state: EndpointState
  /** Why that state. */
  readonly reason: string
  /** What our own checks say; null where there are none, or none has ended yet. */
  readonly healthCheck: 'passing' | 'failing' | null
  readonly inflight: number
  readonly requests: number
  readonly failures: number
  /** Moving average of the time to the response head; 0 when nothing was measured. */
  readonly latencyMs: number
  /** ISO 8601; null when it is not ejected for a time. */
  readonly ejectedUntil: string | null
  /** ISO 8601; null when it is not drained by command for a time. */
  readonly drainedUntil: string | null
  /** Names of the sources that list it now, in the service's order. */
  readonly sources: readonly string[]
}

/** A source of a service as the admin API shows it. */
export interface SourceView {
  readonly source: string
  /** The service's name there. */
  readonly name: string
  readonly weightPercent: number
  /** False until it, or the state file for it, has said which instances there are. */
  readonly answered: boolean
  /** True while what is served of it is not what it says now. */
  readonly stale: boolean
  /** Since its last good answer; 0 while it is connected. */
  readonly ageSeconds: number
  /** How many instances it lists or are held for it. */
  readonly instances: number
}

/** A service as the admin API shows it. */
export interface ServiceView {
  readonly name: string
  /** Names of its sources, separated by `, `. */
  readonly source: string
  readonly sources: readonly SourceView[]
  readonly balancer: string
  /** True while what is served is not what its sources say now. */
  readonly stale: boolean
  /** Since the last good answer of the source that is silent longest; 0 while all are connected. */
  readonly ageSeconds: number
  readonly panic: boolean
  readonly load: LoadView
  readonly endpoints: readonly EndpointView[]
}

export interface ControlStats {
  readonly load: readonly ({ readonly service: string } & LoadView)[]
  readonly discovery: readonly {
    readonly source: string
    readonly service: string
    readonly ageSeconds: number
    readonly updates: { readonly changed: number; readonly same: number; readonly error: number }
    readonly skipped: number
  }[]
  /** Sent to the data threads. */
  readonly lists: readonly { readonly service: string; readonly count: number }[]
  /** Since the endpoint was added. */
  readonly ejections: readonly {
    readonly service: string
    readonly instance: string
    readonly reason: EjectionReason
    readonly count: number
  }[]
  readonly endpoints: readonly { readonly service: string; readonly state: EndpointState; readonly count: number }[]
  readonly inflight: readonly { readonly service: string; readonly instance: string; readonly inflight: number }[]
  readonly disagreements: readonly {
    readonly service: string
    readonly registry: DisputedWord
    readonly count: number
  }[]
}

interface ViewParts {
  readonly ledger: Ledger
  readonly clock: ControlClock
  readonly orders: Orders
  readonly checks: Pick<HealthChecks, 'wordOn'>
  readonly found: Pick<FoundLimits, 'of'>
}

export function serviceView(line: ServiceLine, parts: ViewParts): ServiceView {
  const records = [...line.endpoints.records.values()]
  const { key: name, from, balancer } = line.entry
  const { eligible: used, panic } = eligible(records, line.spillBelowPercent)
  const inUse = new Set(used)
  return {
    name,
    source: from.map(({ source }) => source).join(', '),
    sources: line.sources.map((source, index) => sourceView(source, from[index]?.weightPercent ?? 100)),
    balancer,
    stale: line.isStale,
    ageSeconds: line.ageMs() / 1000,
    panic,
    load: loadOf(line, parts.ledger, parts.found.of(line)),
    endpoints: records.map((record) => endpointView(line, record, { ...parts, isUsed: inUse.has(record) })),
  }
}

function sourceView(line: SourceLine, weightPercent: number): SourceView {
  const { source, name, hasList: answered, isStale: stale } = line
  return { source, name, weightPercent, answered, stale, ageSeconds: line.ageMs() / 1000, instances: line.listing.size }
}

function endpointView(
  line: ServiceLine,
  { published, cell }: EndpointRecord,
  parts: ViewParts & { readonly isUsed: boolean },
): EndpointView {
  const service = line.name
  const { id, weight, zone, version, registry } = published
  const ejection = cell.ejection()
  const word = parts.checks.wordOn(service, id)
  const drain = parts.orders.get(id, 'drain')
  const eject = ejection === 'manual' ? parts.orders.get(id, 'eject') : null
  const shown = stateOf(published, ejection, cell.coldPercent())
  const isInReserve = shown.state === 'eligible' && !parts.isUsed
  // Half a sentence each: how long an order lasts, what a check saw.
  const more: Readonly<Record<string, string | undefined>> = {
    [drainedByCommand]: drain === null ? undefined : ` ${untilOf(drain)}`,
    [ejectedByCommand]: eject === null ? undefined : ` ${untilOf(eject)}`,
    [checkFails]: word === null ? undefined : `: ${word.cause}`,
  }
  return {
    id,
    address: addressOf(published),
    weight,
    zone,
    version,
    registry,
    state: shown.state,
    reason: shown.reason + (more[shown.reason] ?? (isInReserve ? '; in reserve, while nearer ones are enough' : '')),
    healthCheck: word === null ? null : word.isHealthy ? 'passing' : 'failing',
    inflight: cell.inflight(),
    requests: cell.requests(),
    failures: cell.failures(),
    latencyMs: cell.latencyMs(),
    ejectedUntil: isTimed(ejection) ? ejectedUntil(cell.ejectedUntil(), parts) : endOf(eject),
    drainedUntil: endOf(drain),
    sources: line.sourcesOf(id),
  }
}

function endOf(order: Order | null): string | null {
  return order === null || order.untilMs === null ? null : new Date(order.untilMs).toISOString()
}

/** A refused endpoint returns when it accepts, one ejected by command when its order ends. */
function isTimed(ejection: EjectionReason | null): boolean {
  return ejection === 'consecutive' || ejection === 'success-rate'
}

function ejectedUntil(deciseconds: number, { ledger, clock }: ViewParts): string {
  const leftMs = ledger.fromDeciseconds(deciseconds) - clock.now()
  return new Date(clock.wallMs() + leftMs).toISOString()
}

const states: readonly EndpointState[] = ['eligible', 'ejected', 'unhealthy', 'draining']

export function statsOf(
  lines: readonly ServiceLine[],
  { disagreements, ledger, found }: Pick<ViewParts, 'ledger' | 'found'> & { readonly disagreements: Disagreements },
): ControlStats {
  return {
    load: lines.map((line) => ({ service: line.name, ...loadOf(line, ledger, found.of(line)) })),
    disagreements: lines.flatMap(({ name: service }) =>
      disputedWords.map((registry) => ({ service, registry, count: disagreements.count(service, registry) })),
    ),
    lists: lines.map((line) => ({ service: line.name, count: line.endpoints.lists })),
    discovery: lines.flatMap((line) =>
      line.sources.map((source) => ({
        source: source.source,
        service: line.name,
        ageSeconds: source.ageMs() / 1000,
        updates: { ...source.updates },
        skipped: source.skippedEntries,
      })),
    ),
    ejections: lines.flatMap((line) =>
      [...line.endpoints.ejections.entries()].map((ejection) => ({ service: line.name, ...ejection })),
    ),
    endpoints: lines.flatMap((line) => {
      const count: Record<EndpointState, number> = { eligible: 0, ejected: 0, unhealthy: 0, draining: 0 }
      for (const { published, cell } of line.endpoints.records.values())
        count[stateOf(published, cell.ejection()).state]++
      return states.map((state) => ({ service: line.name, state, count: count[state] }))
    }),
    inflight: lines.flatMap((line) =>
      [...line.endpoints.records.values()].map(({ published, cell }) => ({
        service: line.name,
        instance: published.id,
        inflight: cell.inflight(),
      })),
    ),
  }
}
