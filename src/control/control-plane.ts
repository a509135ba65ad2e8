import type { Ledger } from '../core/ledger.ts'
import type { EjectionReport } from '../core/message.ts'
import type { RouteRule } from '../core/route.ts'
import type { ConfigSnapshot } from '../core/snapshot.ts'
import type { Answer, Discovery, SkippedEntry } from '../discovery/contract.ts'
import type { CheckProbe } from '../health/check-probe.ts'
import type { ConnectProbe } from '../health/connect-probe.ts'
import type { Random } from '../util/random.ts'
import { AddressBook } from './address-book.ts'
import { CheckProber } from './check-prober.ts'
import { Commands, type CommandAction, type CommandOutcome } from './commands.ts'
import type { ControlConfig, ServiceEntry, SourceEntry } from './control-config.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import { Disagreements } from './disagreements.ts'
import { FoundLimits } from './found-limits.ts'
import { HealthChecks } from './health-checks.ts'
import { Holds } from './hold.ts'
import { ListenerRows } from './listener-rows.ts'
import { LookOrder } from './look-order.ts'
import { Orders, type StandingOrder } from './orders.ts'
import type { OnProblem } from './problem.ts'
import { Prober } from './prober.ts'
import { Publisher } from './publish.ts'
import { Restorer } from './restore.ts'
import { routedServices } from './routed-services.ts'
import { ServiceLine, type LineParts } from './service-line.ts'
import { endpointSlots, serviceSlots } from './ledger-slots.ts'
import type { SlotAllocator } from './slots.ts'
import { placeOf } from './source-line.ts'
import { SourceOutages } from './source-outages.ts'
import { Sources } from './sources.ts'
import { Stalls, unlessStalled } from './stalls.ts'
import { StateStore } from './state-store.ts'
import type { TagPlan } from './tag-plan.ts'
import { TagRoutes } from './tag-routes.ts'
import { objectionTo, type Readiness, readinessOf } from './take-over.ts'
import { TicketRotation } from './ticket-rotation.ts'
import type { Timeline } from './timeline.ts'
import { serviceView, statsOf, type ControlStats, type ServiceView } from './views.ts'

const tickMs = 1000
const maxProbesAtOnce = 32

export interface ControlPlaneOptions<S extends SourceEntry> {
  readonly ledger: Ledger
  readonly clock: ControlClock
  readonly random: Random
  readonly timeline: Timeline
  readonly probe: ConnectProbe
  readonly checkProbe: CheckProbe
  /** Where last known good lists are kept; null = nowhere. */
  readonly stateDir: string | null
  /** May throw; then the configuration that asked for it is not applied. `onSkipped` is for entries that can't be used. */
  readonly createDiscovery: (entry: S, onSkipped: (entry: SkippedEntry) => void) => Discovery
  /** Turns host names in answers into addresses. */
  readonly resolve: (answers: AsyncIterable<Answer>, signal: AbortSignal) => AsyncIterable<Answer>
  readonly onProblem: OnProblem
}

/**
 * The update line: watches the registries of all routed services and keeps the data threads' lists up to date.
 *
 * The caller gives `publisher` the data threads and their acknowledgements, and `ejected` their reports.
 */
export class ControlPlane<S extends SourceEntry> {
  readonly publisher: Publisher
  readonly tickets: TicketRotation
  readonly #options: ControlPlaneOptions<S>
  readonly #sources: Sources<S>
  readonly #prober: Prober
  readonly #stalls: Stalls
  readonly #commands: Commands
  readonly #state: StateStore | null
  readonly #serviceSlots: SlotAllocator
  readonly #listeners: ListenerRows
  readonly #parts: LineParts
  readonly #tags: TagRoutes
  readonly #foundLimits: FoundLimits
  readonly #lines = new Map<string, ServiceLine>()
  readonly #looks = new LookOrder()
  readonly #closing = Promise.withResolvers<void>()
  /** The configuration in force. */
  #config: ControlConfig<S> | null = null
  #isClosed = false
  #isReady = false
  /** The sources are those of a configuration that is not in force yet. */
  #isPreparing = false
  #version = 0
  #cancelTick: Cancel

  constructor(options: ControlPlaneOptions<S>) {
    const { ledger, clock, random, timeline, stateDir, onProblem } = options
    this.#options = options
    this.publisher = new Publisher(ledger)
    this.#sources = new Sources(
      (entry) => options.createDiscovery(entry, (skipped) => this.#skipped(entry.name, skipped)),
      onProblem,
    )
    this.#stalls = new Stalls(clock)
    this.#prober = new Prober(unlessStalled(options.probe, clock, this.#stalls), maxProbesAtOnce)
    const checkProber = new CheckProber({ probe: options.checkProbe, clock, stalls: this.#stalls })
    const checks = new HealthChecks({
      clock,
      random,
      prober: checkProber,
      onTurn: (turn) => this.#lines.get(turn.service)?.endpoints.turned(turn),
    })
    const orders = new Orders(clock, (id, kind) => this.#commands.over(id, kind))
    this.#commands = new Commands(clock, orders, () => this.#lines.values())
    this.#state = stateDir === null ? null : new StateStore({ dir: stateDir, clock, onProblem })
    this.#serviceSlots = serviceSlots(ledger)
    this.#listeners = new ListenerRows(ledger)
    this.#parts = {
      clock,
      random,
      ledger,
      timeline,
      onProblem,
      publisher: this.publisher,
      state: this.#state,
      outages: new SourceOutages(timeline),
      slots: endpointSlots(ledger),
      holds: new Holds({
        clock,
        random,
        prober: this.#prober,
        checks: checkProber,
        onRelease: ({ service, id }, cause) => this.#lines.get(service)?.released(id, cause),
      }),
      restorer: new Restorer({
        ledger,
        clock,
        random,
        prober: this.#prober,
        onRestored: ({ service, record }, cause) => {
          this.#lines.get(service)?.endpoints.restored(record)
          timeline.record({ type: 'restored', service, endpoint: record.published.id, cause })
        },
        onRefused: ({ service, record: { published } }, cause) =>
          this.ejected({ service, endpoint: published.id, slot: published.slot, reason: 'connect', cause }),
      }),
      orders,
      checks,
      disagreements: new Disagreements({ checks, timeline, clock }),
      onSettled: (service) => this.#tags.settled(service),
      addresses: new AddressBook(),
      askers: new AddressBook(),
      isFedBy: (service, source) => this.#lines.get(service)?.isFedBy(source) ?? false,
      resolve: options.resolve,
    }
    this.#tags = new TagRoutes({
      ...this.#parts,
      lineOf: (key) => this.#lines.get(key),
      onChange: () => this.#followTags(),
    })
    this.#foundLimits = new FoundLimits({ ledger, clock, timeline })
    this.tickets = new TicketRotation(clock, (secret) => this.publisher.shareTickets(secret))
    this.#cancelTick = clock.after(tickMs, () => this.#tick())
  }

  /**
   * Begins to watch the services that a configuration routes and the one in force does not, so that `apply` finds their
   * lists and no request comes too early. Resolves when each has been heard of, or can't be, and at the latest after
   * `timeoutMs`.
   *
   * @param isChecked wait for a first check of each endpoint, too, where endpoints are checked
   * @throws Error as `apply` does; then nothing has changed
   */
  async prepare(config: ControlConfig<S>, timeoutMs: number, isChecked = false): Promise<void> {
    const declared = this.#begin(config)
    this.#isPreparing = true
    const heard = [
      this.#startLines(declared, isChecked),
      this.#tags.heard().then(() => this.#startLines(this.#tags.plan(config).services, isChecked)),
    ]
    const time = Promise.withResolvers<void>()
    const cancel = this.#options.clock.after(timeoutMs, time.resolve)
    await Promise.race([Promise.all(heard), time.promise, this.#closing.promise])
    cancel()
    // Verdicts that are put in force a moment later come too late for the first requests.
    if (isChecked) for (const { endpoints } of this.#lines.values()) endpoints.restandNow()
  }

  /**
   * Puts a configuration in force: sends it to the data threads, starts and stops watches. A service keeps its row, its
   * endpoints and their ejections; its watch too, unless its source, its name there or its subset changed. Services that no route names
   * are left out.
   *
   * @returns what the data threads were sent
   * @throws Error when a source can't be made or a service names none; then nothing has changed
   */
  apply(config: ControlConfig<S>): ConfigSnapshot {
    const declared = this.#begin(config)
    this.#isPreparing = false
    this.#config = config
    return this.#rollOut(config, declared, this.#tags.plan(config))
  }

  /** A configuration and what comes of tags in registries, as they are now. */
  #rollOut(config: ControlConfig<S>, declared: readonly ServiceEntry[], plan: TagPlan): ConfigSnapshot {
    const entries = new Map([...plan.services, ...declared].map((entry) => [entry.key, entry]))
    const gone = new Map(this.#lines)
    const started = [...entries.values()].map((entry) => {
      gone.delete(entry.key)
      return this.#configureLine(entry)
    })
    for (const key of gone.keys()) this.#lines.delete(key)
    const version = ++this.#version
    const snapshot: ConfigSnapshot = {
      version,
      listeners: this.#listeners.place(config.listeners, () => this.publisher.configAckedByAll() >= version),
      services: [...this.#lines.values()].map((line) => line.settings()),
      routes: [...config.routes, ...plan.routes],
      accessLog: config.log.access,
    }
    // Lists of services that were not prepared come behind the configuration that names them.
    this.publisher.configure(snapshot)
    for (const start of started) start()
    const closing = [...gone.values()].map((line) => this.#closeLine(line, version))
    void this.#sources.closeUnused(closing)
    this.#foundLimits.follow(this.#lines.values())
    this.#tags.adopt(plan)
    return snapshot
  }

  /** Tags in registries have changed. What they were while a configuration was prepared, its `apply` sees. */
  #followTags(): void {
    const config = this.#config
    if (config === null || this.#isPreparing || this.#isClosed) return
    const startedMs = this.#options.clock.now()
    const plan = this.#tags.plan(config)
    if (!this.#tags.isInForce(plan)) {
      this.#rollOut(config, routedServices(config), plan)
      return this.#tags.rest(startedMs)
    }
    // There is nothing to route to them yet.
    void this.#startLines(plan.services)
    this.#tags.adopt(plan)
  }

  /** All routes in force: those of the configuration, then those of tags. */
  routes(): readonly RouteRule[] {
    return [...(this.#config?.routes ?? []), ...this.#tags.routes]
  }

  /** A data thread reports that it ejected an endpoint. */
  ejected(report: EjectionReport): void {
    const line = this.#lines.get(report.service)
    line?.endpoints.ejected(report, line.entry.connectTimeoutMs)
  }

  /** Does what an operator says to an endpoint. @param durationMs null = until it is undone */
  command(id: string, action: CommandAction, durationMs: number | null): CommandOutcome {
    return this.#commands.run(id, action, durationMs)
  }

  serviceViews(): readonly ServiceView[] {
    return [...this.#lines.values()].map((line) => serviceView(line, this.#viewParts()))
  }

  /** Null when no service of that name is routed. */
  serviceView(name: string): ServiceView | null {
    const known = this.#lines.get(name)
    return known === undefined ? null : serviceView(known, this.#viewParts())
  }

  stats(): ControlStats {
    return statsOf([...this.#lines.values()], this.#viewParts())
  }

  /**
   * Ready once the registry or the state file has spoken for every service, and from then on: a reload that adds a service
   * takes nothing from the others. `missing` names those that nobody has spoken for.
   */
  readiness(): { readonly ready: boolean; readonly missing: readonly string[] } {
    const unheard = [...this.#lines.values()].filter((line) => !line.hasList).map(({ name }) => name)
    const missing = [...unheard, ...this.#tags.missing()]
    if (this.#version > 0 && missing.length === 0) this.#isReady = true
    return { ready: this.#isReady, missing }
  }

  /** For the process in whose place this one is to be. */
  readinessToTakeOver(): Readiness {
    return readinessOf(this.#lines.values(), this.readiness().missing)
  }

  /** What stands against a process in this one's place; null = nothing. */
  objectionTo(readiness: Readiness): string | null {
    const hasHeard = (name: string) => this.#tags.hasHeard(name)
    return objectionTo(readiness, { lineOf: (name) => this.#lines.get(name), hasHeard })
  }

  /** The operator's orders in force, for the process that takes this one's place. */
  standingOrders(): readonly StandingOrder[] {
    return this.#parts.orders.standing()
  }

  /** Orders that were given to the process in whose place this one is. */
  adoptOrders(orders: readonly StandingOrder[]): void {
    for (const order of orders) this.#commands.adopt(order)
  }

  /** Writes what the state files still lack, and nothing from then on: another process does. */
  async releaseState(): Promise<void> {
    await this.#state?.close()
  }

  /** Ends watches, probes and timers, and writes what the state files still lack. The data threads serve on. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.resolve()
    this.#cancelTick()
    this.#tags.close()
    this.tickets.close()
    this.#stalls.close()
    this.#foundLimits.close()
    this.#prober.close()
    this.#parts.checks.close()
    this.#parts.orders.close()
    this.#parts.holds.close()
    this.#parts.restorer.close()
    for (const { endpoints } of this.#lines.values()) endpoints.stop()
    await Promise.all([...this.#lines.values()].map((line) => line.stop()))
    await Promise.all([this.#sources.close(), this.#state?.close()])
  }

  #viewParts() {
    return { ...this.#parts, found: this.#foundLimits }
  }

  /** What both ways to take a configuration begin with. @returns the services that its routes name */
  #begin(config: ControlConfig<S>): readonly ServiceEntry[] {
    if (this.#isClosed) throw new Error('the gateway is closing')
    // Before there are services that nobody has asked about yet.
    this.readiness()
    const entries = routedServices(config)
    this.#sources.configure(config.discovery)
    this.#tags.configure(config.discovery, (source) => this.#sources.get(source))
    return entries
  }

  /** Begins to watch those that are not watched yet. Resolves when each has been heard of, or can't be. */
  async #startLines(entries: readonly ServiceEntry[], isChecked = false): Promise<void> {
    const added = entries.filter(({ key }) => !this.#lines.has(key))
    await Promise.all(
      added.map(async (entry) => {
        this.#configureLine(entry)()
        await this.#lines.get(entry.key)?.heard()
        if (isChecked) await this.#parts.checks.judgedOnce(entry.key)
      }),
    )
  }

  /** @returns what to do once the data threads have the configuration */
  #configureLine(entry: ServiceEntry): () => void {
    let line = this.#lines.get(entry.key)
    if (line === undefined) {
      line = new ServiceLine(entry, this.#serviceSlots.allot(), this.#parts)
      this.#lines.set(entry.key, line)
    }
    return line.configure(entry, (source) => this.#sources.get(source))
  }

  #skipped(source: string, { service, entry, reason }: SkippedEntry): void {
    for (const each of this.#parts.askers.ownersOf(placeOf(source, service))) each.skipped(entry, reason)
  }

  async #closeLine(line: ServiceLine, configVersion: number): Promise<void> {
    this.#serviceSlots.retire(line.slot, () => this.publisher.configAckedByAll() >= configVersion)
    this.#state?.remove(line.name)
    await line.close(configVersion)
  }

  #tick(): void {
    const { restorer, slots, disagreements } = this.#parts
    const looked = this.#looks.choose(this.#lines)
    for (const line of looked) {
      line.endpoints.dropIdle()
      disagreements.look(line.name, line.endpoints.records)
    }
    for (const endpoint of restorer.sweep(ejectedOf(looked))) {
      this.#lines.get(endpoint.service)?.endpoints.foundEjected(endpoint)
    }
    slots.collect()
    this.#serviceSlots.collect()
    this.#listeners.collect()
    this.#cancelTick = this.#options.clock.after(tickMs, () => this.#tick())
  }
}

function* ejectedOf(lines: readonly ServiceLine[]) {
  for (const line of lines) yield* line.endpoints.ejectedNow(line.entry.connectTimeoutMs)
}
