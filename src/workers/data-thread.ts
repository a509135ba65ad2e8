import type { SettledExchange } from '../core/exchange.ts'
import { Ledger, type LedgerShape } from '../core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { RouteMeter, ThreadMeter, WorkerMeter } from '../core/meter.ts'
import type { ConnectMiddleware } from '../core/middleware.ts'
import { SeriesWriter } from '../core/series.ts'
import type { Service } from '../core/service.ts'
import type { ConfigSnapshot } from '../core/snapshot.ts'
import { createOutlierDetector } from '../health/outlier.ts'
import type { Admission } from '../proxy/admission.ts'
import type { ProxyRoute } from '../proxy/context.ts'
import { Proxy } from '../proxy/proxy.ts'
import { RouteGate } from '../proxy/route-gate.ts'
import { pathPlan } from '../routing/rewrite.ts'
import { buildTable } from '../routing/table.ts'
import { monotonicMs, systemClock } from '../util/clock.ts'
import { seededRandom } from '../util/random.ts'
import { TimerWheel } from '../util/timer-wheel.ts'
import { Heartbeat } from './heartbeat.ts'
import { type MemoryReading, MemoryWatch } from './memory-watch.ts'
import { ServiceTable } from './service-table.ts'

export interface DataThreadOptions {
  /** Column of this thread in the Ledger. */
  readonly column: number
  /** Several threads listen on the same addresses. */
  readonly sharesPorts: boolean
  readonly ledger: LedgerShape
  readonly send: (message: ThreadMessage) => void
  /** Makes the access log of this thread. @param onDropped called for each line that is lost */
  readonly accessLog: (onDropped: () => void) => (exchange: SettledExchange) => void
  /** Only where there are no workers: functions don't survive the crossing. */
  readonly middlewares?: readonly ConnectMiddleware[]
  /** For tests that need it short. */
  readonly memory?: () => MemoryReading
}

/** From one try to open a listener to the next. */
const reopenMs = 1000

/**
 * The data side of the hand-over: turns published values into routes, services and pickers, and gives them to the proxy by
 * one assignment. Runs in a worker thread, or in the main thread when there are no workers.
 */
export class DataThread {
  readonly #options: DataThreadOptions
  readonly #ledger: Ledger
  readonly #series: SeriesWriter
  readonly #services: ServiceTable
  readonly #proxy: Proxy
  readonly #accessLog: (exchange: SettledExchange) => void
  readonly #heartbeat: Heartbeat
  /** Of services that have, or had, limits. */
  readonly #admissions = new WeakMap<Service, Admission>()
  #routes: readonly ProxyRoute[] = []
  /** No listener is opened any more; routes and lists are followed to the end, for what is in flight. */
  #isDraining = false
  /** Listeners are changed by one configuration after the other: opening them takes a while, and closing them up to a second. */
  #applying: Promise<void> = Promise.resolve()
  #version = 0
  #reopening: NodeJS.Timeout | null = null

  constructor(options: DataThreadOptions) {
    const { send } = options
    const random = seededRandom(crypto.getRandomValues(new Uint32Array(1))[0] as number)
    this.#options = options
    this.#ledger = new Ledger(options.ledger)
    this.#series = new SeriesWriter(
      (series) => send({ type: 'series', series }),
      (series) => send({ type: 'series-retired', series }),
    )
    this.#services = new ServiceTable({
      ledger: this.#ledger,
      column: options.column,
      series: this.#series,
      balancing: { random, clock: { now: monotonicMs } },
      outlier: createOutlierDetector({
        ledger: this.#ledger,
        clock: systemClock,
        random,
        report: (ejection) => send({ type: 'ejected', ejection }),
      }),
    })
    const meter = new ThreadMeter(this.#series)
    this.#accessLog = options.accessLog(() => meter.logLineDropped())
    this.#proxy = new Proxy({
      wheel: new TimerWheel(),
      random,
      meter,
      ledger: this.#ledger,
      column: options.column,
      middlewares: options.middlewares ?? [],
      reusePort: options.sharesPorts,
    })
    this.#proxy.start()
    const workerMeter = new WorkerMeter(this.#series, options.column)
    const memoryWatch = new MemoryWatch((isShedding, cause) => {
      this.#proxy.shed(isShedding)
      workerMeter.shedding(isShedding)
      send({ type: 'shedding', isShedding, cause })
    })
    this.#heartbeat = new Heartbeat(this.#ledger.worker(options.column), workerMeter, {
      onReading: (reading) => memoryWatch.look(reading),
      ...(options.memory !== undefined && { memory: options.memory }),
    })
  }

  receive(message: ControlMessage): void {
    switch (message.type) {
      case 'config': {
        const { snapshot } = message
        if (message.ledger !== null) this.#ledger.attach(message.ledger)
        // At once, in the order of the messages: a list is for the services of the configuration before it, whatever still waits
        // for its listeners.
        this.#configure(snapshot, message.forgotten)
        this.#applying = this.#applying.then(() => this.#listen(snapshot))
        return
      }
      case 'service':
        if (message.ledger !== null) this.#ledger.attach(message.ledger)
        this.#services.publish(message.published)
        this.#goOn(message.published.service)
        this.#options.send({
          type: 'service-applied',
          service: message.published.service,
          version: message.published.version,
        })
        return
      case 'sockets':
        this.#applying = this.#applying.then(() => this.#proxy.offer(message.sockets))
        return
      case 'tickets':
        this.#proxy.shareTickets(message.secret)
        return
      case 'series-released':
        for (const id of message.ids) this.#series.release(id)
        return
      case 'drain':
        this.#isDraining = true
        this.#applying = this.#applying.then(async () => {
          const cut = await this.#proxy.drain(message.deadlineMs)
          this.#options.send({ type: 'drained', cut })
        })
    }
  }

  stop(): void {
    this.#heartbeat.stop()
    this.#stopReopening()
    this.#proxy.stop()
    for (const endpoint of this.#services.endpoints()) endpoint.pool?.close(false)
  }

  #configure(snapshot: ConfigSnapshot, forgotten: number): void {
    this.#version = snapshot.version
    this.#services.configure(snapshot.services, forgotten)
    const before = this.#routes
    this.#routes = this.#assemble(snapshot)
    this.#proxy.route(buildTable(this.#routes))
    this.#proxy.logTo(snapshot.accessLog ? this.#accessLog : null)
    const kept = new Set(this.#routes.map(({ meter }) => meter))
    for (const { meter } of before) if (!kept.has(meter)) meter.retire()
  }

  async #listen(snapshot: ConfigSnapshot): Promise<void> {
    this.#stopReopening()
    const { version, listeners } = snapshot
    const { addresses, errors } = await this.#proxy.listen(this.#isDraining ? [] : listeners)
    const sockets = this.#proxy.sockets()
    this.#options.send({ type: 'config-applied', version, addresses, errors, sockets })
    // Out of descriptors, or somebody took the port between two threads: it passes, and else nobody listens there for good.
    if (errors.some(({ listener }) => !sockets.some((socket) => socket.listener === listener))) {
      this.#reopening = setTimeout(() => {
        this.#applying = this.#applying.then(async () => {
          if (version === this.#version) await this.#listen(snapshot)
        })
      }, reopenMs).unref()
    }
  }

  #stopReopening(): void {
    if (this.#reopening !== null) clearTimeout(this.#reopening)
    this.#reopening = null
  }

  /** Routes of the same id and service keep their meter, so that counters don't start again. */
  #assemble(snapshot: ConfigSnapshot): ProxyRoute[] {
    const meters = new Map(this.#routes.map(({ rule, meter }) => [`${rule.id}\0${rule.service}`, meter]))
    return snapshot.routes.map((rule) => {
      const service = this.#services.get(rule.service)
      if (service === undefined) throw new Error(`route ${rule.id} names the unpublished service ${rule.service}`)
      const meter = meters.get(`${rule.id}\0${rule.service}`) ?? new RouteMeter(this.#series, rule.id, rule.service)
      return {
        rule,
        service,
        meter,
        admission: this.#admissionOf(service),
        gate: RouteGate.of(rule),
        ...pathPlan(rule),
      }
    })
  }

  /** For those that wait: other endpoints may have room. */
  #goOn(name: string): void {
    const service = this.#services.get(name)
    if (service !== undefined) this.#admissions.get(service)?.goOn()
  }

  /** Kept as long as the service is: exchanges hold places in it, and wait. */
  #admissionOf(service: Service): Admission | null {
    const existing = this.#admissions.get(service)
    if (service.settings.limits === null) {
      // For those that wait still: there is room now.
      existing?.goOn()
      return null
    }
    if (existing !== undefined) {
      existing.goOn()
      return existing
    }
    const cell = this.#ledger.admission(service.settings.slot, this.#options.column)
    const admission = this.#proxy.admissionOf(service, cell)
    this.#admissions.set(service, admission)
    return admission
  }
}
