import { systemControlClock } from '../../control/control-clock.ts'
import { ControlPlane } from '../../control/control-plane.ts'
import { Timeline } from '../../control/timeline.ts'
import type { ServiceView } from '../../control/views.ts'
import { Ledger } from '../../core/ledger.ts'
import type { ControlMessage } from '../../core/message.ts'
import { RouteMeter, ThreadMeter } from '../../core/meter.ts'
import { SeriesWriter } from '../../core/series.ts'
import { createResolver } from '../../discovery/resolve.ts'
import { probeCheck } from '../../health/check-probe.ts'
import { probeConnect } from '../../health/connect-probe.ts'
import { createOutlierDetector } from '../../health/outlier.ts'
import type { Exposition } from '../../observe/metrics.ts'
import { ProxyContext, type ProxyRoute } from '../../proxy/context.ts'
import { monotonicMs, systemClock } from '../../util/clock.ts'
import { TimerWheel } from '../../util/timer-wheel.ts'
import { ServiceTable } from '../../workers/service-table.ts'
import { leaseSource } from '../find/sources.ts'
import { createClientMetrics, createSeriesStore } from './client-metrics.ts'
import type { ClientCall } from './client-call.ts'
import type { ClientOptions } from './client-options.ts'
import { routeRuleOf, serviceEntryOf, sourceName } from './client-settings.ts'

const threadId = 0
/** The longest that a timer can be: it is there for its being there. */
const longestMs = 2 ** 31 - 1

/**
 * One service with all that a gateway does for it but listening: its instances followed and held, balanced, ejected and restored, its retry
 * budget, its deadlines. The same control plane and the same tables as in the gateway, in this thread.
 */
export class BalancedService {
  readonly route: ProxyRoute
  readonly context: ProxyContext
  /** One scrape. */
  readonly metrics: () => Promise<Exposition>
  readonly #control: ControlPlane<{ readonly name: string; readonly type: string }>
  readonly #services: ServiceTable
  readonly #ledger: Ledger
  readonly #firstList = Promise.withResolvers<void>()
  readonly #calls = new Set<ClientCall>()
  /** Holds the process while a call waits with nothing open: for the registry, or between two attempts. */
  readonly #hold = setInterval(() => {}, longestMs).unref()
  #isKnown = false
  #closed: Promise<void> | null = null

  /** @throws RegisterError `invalid` */
  constructor(name: string, registry: string, options: ClientOptions) {
    const random = Math.random
    const entry = serviceEntryOf(name, options)
    const rule = routeRuleOf(name, options)
    const resolver = createResolver({ random, onUnresolved: () => {} })
    const lease = leaseSource(registry)
    this.#ledger = Ledger.create(1, systemControlClock.now())
    this.#control = new ControlPlane({
      ledger: this.#ledger,
      timeline: new Timeline({ clock: systemControlClock, onDecision: () => {} }),
      clock: systemControlClock,
      random,
      stateDir: null,
      probe: probeConnect,
      checkProbe: probeCheck,
      // Shared with other clients of this process: closing it is letting go of it.
      createDiscovery: () => ({
        watch: (service, signal) => lease.value.watch(service, signal),
        close: () => lease.release(),
      }),
      resolve: (answers, signal) => resolver.resolved(answers, signal),
      onProblem: () => {},
    })
    const store = createSeriesStore((ids) => {
      for (const id of ids) series.release(id)
    })
    const series = new SeriesWriter(
      (announced) => store.announced(threadId, announced),
      (retired) => store.retired(threadId, retired),
    )
    this.metrics = createClientMetrics(name, store, () => this.#control.stats())
    this.#services = new ServiceTable({
      ledger: this.#ledger,
      column: 0,
      series,
      balancing: { random, clock: { now: monotonicMs } },
      outlier: createOutlierDetector({
        ledger: this.#ledger,
        clock: systemClock,
        random,
        report: (ejection) => {
          if (!this.isClosed) this.#control.ejected(ejection)
        },
      }),
    })
    this.context = new ProxyContext({
      wheel: new TimerWheel(),
      random,
      meter: new ThreadMeter(series),
      ledger: this.#ledger,
      column: 0,
      middlewares: [],
    })
    this.context.wheel.start()
    this.#control.publisher.addThread(threadId, (message) => this.#receive(message))
    this.#control.apply({
      discovery: [{ name: sourceName, type: 'registry' }],
      services: [entry],
      routes: [rule],
      listeners: [],
      log: { access: false },
    })
    const service = this.#services.get(entry.key)
    if (service === undefined) throw new Error('the configuration was not applied')
    this.route = {
      rule,
      service,
      meter: new RouteMeter(series, rule.id, entry.key),
      admission: null,
      gate: null,
      cut: 0,
      put: '',
    }
    this.context.routing = { match: () => this.route }
  }

  /** Whether the registry has spoken for the service. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Resolves when it has. */
  get ready(): Promise<void> {
    return this.#firstList.promise
  }

  view(): ServiceView | null {
    return this.#control.serviceView(this.route.service.name)
  }

  began(call: ClientCall): void {
    if (this.#calls.size === 0) this.#hold.ref()
    this.#calls.add(call)
  }

  ended(call: ClientCall): void {
    this.#calls.delete(call)
    if (this.#calls.size === 0) this.#hold.unref()
    if (this.isClosed && this.#calls.size === 0) this.#closeConnections()
  }

  get isClosed(): boolean {
    return this.#closed !== null
  }

  /** Takes no call any more, and lets the registry go; calls in flight are finished, those that wait for the registry fail. */
  close(): Promise<void> {
    if (this.#closed !== null) return this.#closed
    this.#closed = this.#control.close()
    if (!this.#isKnown) this.abort(new Error('the client is closed'))
    if (this.#calls.size === 0) this.#closeConnections()
    return this.#closed
  }

  /** Ends the calls in flight. */
  abort(reason: Error): void {
    for (const call of this.#calls) call.abort(reason)
  }

  #closeConnections(): void {
    clearInterval(this.#hold)
    this.context.wheel.stop()
    for (const endpoint of this.#services.endpoints()) endpoint.pool?.close(false)
  }

  /** What a data thread does with these: they come at once, since it is the same thread. */
  #receive(message: ControlMessage): void {
    const { publisher } = this.#control
    if (message.type === 'config') {
      this.#services.configure(message.snapshot.services, message.forgotten)
      publisher.configAcknowledged(threadId, message.snapshot.version)
    } else if (message.type === 'service') {
      const { published } = message
      this.#services.publish(published)
      // Not within the call that sent it.
      queueMicrotask(() => publisher.acknowledged(threadId, published.service, published.version))
      this.#isKnown = true
      this.#firstList.resolve()
    }
  }
}
