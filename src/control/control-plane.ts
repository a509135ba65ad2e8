import type { Ledger } from '../core/ledger.ts'
import type { EjectionReport } from '../core/message.ts'
import type { ConfigSnapshot } from '../core/snapshot.ts'
import type { Answer, Discovery } from '../discovery/contract.ts'
import type { CheckProbe } from '../health/check-probe.ts'
import type { ConnectProbe } from '../health/connect-probe.ts'
import type { Random } from '../util/random.ts'
import { AddressBook } from './address-book.ts'
import { CheckProber } from './check-prober.ts'
import { Commands, type CommandAction, type CommandOutcome } from './commands.ts'
import type { ControlConfig, ServiceEntry, SourceEntry } from './control-config.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import { Disagreements } from './disagreements.ts'
import { HealthChecks } from './health-checks.ts'
import { Holds } from './hold.ts'
import { ListenerRows } from './listener-rows.ts'
import { Orders, type StandingOrder } from './orders.ts'
import { messageOf, type OnProblem } from './problem.ts'
import { Prober } from './prober.ts'
import { Publisher } from './publish.ts'
import { Restorer } from './restore.ts'
import { ServiceLine, type LineParts } from './service-line.ts'
import { SlotAllocator } from './slots.ts'
import { SourceOutages } from './source-outages.ts'
import { Sources } from './sources.ts'
import { Stalls, unlessStalled } from './stalls.ts'
import { StateStore } from './state-store.ts'
import { TicketRotation } from './ticket-rotation.ts'
import type { Timeline } from './timeline.ts'
import { serviceView, statsOf, type ControlStats, type ServiceView } from './views.ts'

const tickMs = 1000
const maxProbesAtOnce = 32
const ticksPerRound = 60
/** So few services are all looked at every second. */
const minLooksPerTick = 200

export interface ControlPlaneOptions<S extends SourceEntry> {
  readonly ledger: Ledger
  readonly clock: ControlClock
  readonly random: Random
  readonly timeline: Timeline
  readonly probe: ConnectProbe
  readonly checkProbe: CheckProbe
  /** Where last known good lists are kept; null = nowhere. */
  readonly stateDir: string | null
  /** May throw; then the configuration that asked for it is not applied. */
  readonly createDiscovery: (entry: S) => Discovery
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
  readonly #lines = new Map<string, ServiceLine>()
  /** Discoveries of sources that the configuration no longer has, until nothing watches them. */
  #unused: readonly Discovery[] = []
  readonly #closing = Promise.withResolvers<void>()
  #isClosed = false
  #isReady = false
  #version = 0
  #cancelTick: Cancel
  /** Index of the service with which the next look begins. */
  #turn = 0

  constructor(options: ControlPlaneOptions<S>) {
    const { ledger, clock, random, timeline, stateDir, onProblem } = options
    this.#options = options
    this.publisher = new Publisher(ledger)
    this.#sources = new Sources(options.createDiscovery)
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
    this.#serviceSlots = new SlotAllocator({
      reserve: (rows) => void ledger.reserve(0, rows),
      isIdle: (slot) => ledger.admission(slot, -1).isIdle(),
      clear: (slot) => {
        ledger.service(slot).clear()
        ledger.admission(slot, -1).clear()
      },
    })
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
      slots: new SlotAllocator({
        reserve: (rows) => void ledger.reserve(rows, 0),
        isIdle: (slot) => ledger.endpoint(slot, -1).inflight() === 0,
        clear: (slot) => ledger.endpoint(slot, -1).clear(),
      }),
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
      }),
      orders,
      checks,
      disagreements: new Disagreements({ checks, timeline, clock }),
      addresses: new AddressBook(),
      isFedBy: (service, source) => this.#lines.get(service)?.isFedBy(source) ?? false,
      watch: (discovery, name, signal) => options.resolve(discovery.watch(name, signal), signal),
    }
    this.tickets = new TicketRotation(clock, (secret) => this.publisher.shareTickets(secret))
    this.#cancelTick = clock.after(tickMs, () => this.#tick())
  }

  /**
   * Begins to watch the services that a configuration routes and the one in force does not, so that `apply` finds their
   * lists and no request comes too early. Resolves when each has been heard of, or can't be, and at the latest after
   * `timeoutMs`.
   *
   * @throws Error as `apply` does; then nothing has changed
   */
  async prepare(config: ControlConfig<S>, timeoutMs: number): Promise<void> {
    const added = this.#begin(config).filter(({ key }) => !this.#lines.has(key))
    const heard = added.map(async (entry) => {
      this.#configureLine(entry)()
      await this.#lines.get(entry.key)?.heard()
    })
    const time = Promise.withResolvers<void>()
    const cancel = this.#options.clock.after(timeoutMs, time.resolve)
    await Promise.race([Promise.all(heard), time.promise, this.#closing.promise])
    cancel()
  }

  /**
   * Puts a configuration in force: sends it to the data threads, starts and stops watches. A service keeps its row, its
   * endpoints and their ejections; its watch too, unless its source or its name there changed. Services that no route names
   * are left out.
   *
   * @returns what the data threads were sent
   * @throws Error when a source can't be made or a service names none; then nothing has changed
   */
  apply(config: ControlConfig<S>): ConfigSnapshot {
    const entries = this.#begin(config)
    const gone = new Map(this.#lines)
    const started = entries.map((entry) => {
      gone.delete(entry.key)
      return this.#configureLine(entry)
    })
    for (const key of gone.keys()) this.#lines.delete(key)
    const version = ++this.#version
    const snapshot: ConfigSnapshot = {
      version,
      listeners: this.#listeners.place(config.listeners, () => this.publisher.configAckedByAll() >= version),
      services: [...this.#lines.values()].map((line) => line.settings()),
      routes: config.routes,
      accessLog: config.log.access,
    }
    // Lists of services that were not prepared come behind the configuration that names them.
    this.publisher.configure(snapshot)
    for (const start of started) start()
    const closing = [...gone.values()].map((line) => this.#closeLine(line, version))
    void this.#closeUnused(this.#unused, closing)
    this.#unused = []
    return snapshot
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
    return [...this.#lines.values()].map((line) => serviceView(line, this.#parts))
  }

  /** Null when no service of that name is routed. */
  serviceView(name: string): ServiceView | null {
    const known = this.#lines.get(name)
    return known === undefined ? null : serviceView(known, this.#parts)
  }

  stats(): ControlStats {
    return statsOf([...this.#lines.values()], this.#parts.disagreements, this.#options.ledger)
  }

  /**
   * Ready once the registry or the state file has spoken for every service, and from then on: a reload that adds a service
   * takes nothing from the others. `missing` names those that nobody has spoken for.
   */
  readiness(): { readonly ready: boolean; readonly missing: readonly string[] } {
    const missing = [...this.#lines.values()].filter((line) => !line.hasList).map(({ name }) => name)
    if (this.#version > 0 && missing.length === 0) this.#isReady = true
    return { ready: this.#isReady, missing }
  }

  /** `missing` as in `readiness`; `empty` are services of which there is a list, and no endpoint that may be picked. */
  readinessToTakeOver(): { readonly missing: readonly string[]; readonly empty: readonly string[] } {
    const empty = [...this.#lines.values()].filter((line) => line.hasList && !line.canServe).map(({ name }) => name)
    return { missing: this.readiness().missing, empty }
  }

  /**
   * What stands against a process in this one's place: it would answer 503 where this one serves, since nobody told it of a service, or
   * the registry has forgotten instances that this one holds.
   *
   * @returns a sentence; null = nothing
   */
  objectionTo({ missing, empty }: { readonly missing: readonly string[]; readonly empty: readonly string[] }) {
    const unheard = missing.filter((name) => this.#lines.get(name)?.hasList)
    if (unheard.length > 0) return `no registry told it of ${unheard.join(', ')}`
    const served = empty.filter((name) => this.#lines.get(name)?.canServe)
    return served.length === 0 ? null : `no registry lists it an instance that serves ${served.join(', ')}`
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
    this.tickets.close()
    this.#stalls.close()
    this.#prober.close()
    this.#parts.checks.close()
    this.#parts.orders.close()
    this.#parts.holds.close()
    this.#parts.restorer.close()
    for (const { endpoints } of this.#lines.values()) endpoints.stop()
    await Promise.all([...this.#lines.values()].map((line) => line.stop()))
    await Promise.all([this.#sources.close(), this.#closeUnused(this.#unused, []), this.#state?.close()])
  }

  /** What both ways to take a configuration begin with. @returns the services that its routes name */
  #begin(config: ControlConfig<S>): readonly ServiceEntry[] {
    if (this.#isClosed) throw new Error('the gateway is closing')
    // Before there are services that nobody has asked about yet.
    this.readiness()
    const routed = new Set(config.routes.map(({ service }) => service))
    const entries = config.services.filter(({ key }) => routed.has(key))
    requireSources(entries, config.discovery)
    this.#unused = [...this.#unused, ...this.#sources.configure(config.discovery)]
    return entries
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

  async #closeLine(line: ServiceLine, configVersion: number): Promise<void> {
    this.#serviceSlots.retire(line.slot, () => this.publisher.configAckedByAll() >= configVersion)
    this.#state?.remove(line.name)
    await line.close(configVersion)
  }

  async #closeUnused(unused: readonly Discovery[], closing: readonly Promise<void>[]): Promise<void> {
    await Promise.all(closing)
    for (const discovery of unused) {
      try {
        await discovery.close()
      } catch (error) {
        this.#options.onProblem({ place: 'discovery', message: `a source did not close: ${messageOf(error)}` })
      }
    }
  }

  #tick(): void {
    const { restorer, slots, disagreements } = this.#parts
    const looked = this.#linesToLookAt()
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

  /** Those with a reason, and of the others some in turn, so that in a minute all have been looked at. */
  #linesToLookAt(): readonly ServiceLine[] {
    const inTurn = Math.max(minLooksPerTick, Math.ceil(this.#lines.size / ticksPerRound))
    const first = this.#turn < this.#lines.size ? this.#turn : 0
    this.#turn = first + inTurn
    let index = 0
    return [...this.#lines.values()].filter(({ endpoints }) => {
      const isDue = index >= first && index < first + inTurn
      index++
      return endpoints.needLook(isDue)
    })
  }
}

function* ejectedOf(lines: readonly ServiceLine[]) {
  for (const line of lines) yield* line.endpoints.ejectedNow(line.entry.connectTimeoutMs)
}

function requireSources(services: readonly ServiceEntry[], sources: readonly SourceEntry[]): void {
  const names = new Set(sources.map(({ name }) => name))
  for (const { key, from } of services) {
    for (const { source } of from) {
      if (!names.has(source)) throw new Error(`service ${key}: no discovery source is named ${source}`)
    }
  }
}
