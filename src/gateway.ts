import type { AdminInput } from './admin/admin-input.ts'
import { type AdminServer, startAdmin } from './admin/server.ts'
import type { Config, LoadedConfig, SourceConfig } from './config/config.ts'
import { describeConfig } from './config/describe.ts'
import { ConfigError } from './config/finding.ts'
import { keptUntilRestart } from './config/kept-until-restart.ts'
import { obstacleToMiddlewares } from './config/middleware-needs.ts'
import { systemControlClock } from './control/control-clock.ts'
import type { ControlPlane } from './control/control-plane.ts'
import { explainRequest } from './control/explain-request.ts'
import { messageOf } from './control/problem.ts'
import { Rollout } from './control/rollout.ts'
import type { Timeline } from './control/timeline.ts'
import type { ServiceView } from './control/views.ts'
import type { DecisionType } from './core/decision.ts'
import { Ledger } from './core/ledger.ts'
import type { HandedSocket } from './core/listen-socket.ts'
import type { ControlMessage, ThreadMessage } from './core/message.ts'
import { adoptInheritance, createControl, createTimeline, type GatewayOptions, namesOf } from './gateway-parts.ts'
import { Handover } from './handover/handover.ts'
import { noInheritance } from './handover/inheritance.ts'
import type { Predecessor } from './handover/predecessor.ts'
import { createAccessLog } from './observe/access-log.ts'
import { families } from './observe/families.ts'
import { createMetrics, type Exposition } from './observe/metrics.ts'
import { SeriesStore } from './observe/series-store.ts'
import type { AdoptedSockets } from './workers/adopt-sockets.ts'
import { columnsFor, createDataPlane, type DataPlane, type DrainAnswer, type ThreadLoss } from './workers/data-plane.ts'
import { handedAdmin, handedSockets } from './workers/hand-sockets.ts'
import { listenMessage, openListeners, type OpenListener } from './workers/open-listeners.ts'
import { planThreads, type ThreadPlan } from './workers/thread-plan.ts'

/** How long a reload waits to hear of the services it adds; whoever asked for it through the admin API waits too. */
const maxPrepareMs = 10_000
const busyWithHandover: DrainAnswer = {
  drains: false,
  reason: 'busy',
  detail: 'A new process is taking over the sockets of all threads; see the timeline for what comes of it',
}
/** What a successor needs to start, besides hearing of its services. */
const successorStartMs = 10_000

/** The gateway can't start, or can't take a configuration; the message says what stands in the way. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
}

export type ReloadOutcome = Awaited<ReturnType<AdminInput['reload']>>

/** Where a running gateway serves. */
export interface GatewayAddresses {
  readonly listeners: readonly { readonly name: string; readonly host: string; readonly port: number }[]
  readonly admin: { readonly host: string; readonly port: number }
}

/** The composition root: both planes, the admin server, and what the operator may do to them. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #timeline: Timeline
  readonly #control: ControlPlane<SourceConfig>
  readonly #plane: DataPlane
  readonly #rollout: Rollout
  readonly #adopted: AdoptedSockets
  readonly #sharesPorts: boolean
  readonly #handover: Handover
  readonly #series: SeriesStore
  readonly #scrape: () => Promise<Exposition>
  readonly #senders = new Map<number, (message: ControlMessage) => void>()
  readonly #reloads = { applied: 0, rejected: 0 }
  #loaded: LoadedConfig
  #listeners: readonly OpenListener<Config['listeners'][number]>[] = []
  #rejection: readonly object[] | null = null
  #admin: AdminServer | null = null
  #restarts = 0
  #version = 0
  #isDraining = false
  /** The listeners have been opened. */
  #isServing = false
  #isReadyByTime = false
  #reloading: Promise<unknown> = Promise.resolve()
  #shutdown: Promise<number> | null = null
  #closed: Promise<void> | null = null
  /** Set while starting: a thread that dies then would die again. */
  #failStart: ((error: GatewayError) => void) | null = null

  /** A gateway that is not started yet, of as many data threads as the configuration wants and the system allows. */
  static async create(options: GatewayOptions): Promise<Gateway> {
    const { loaded, logger, probePortSharing } = options
    const onFewer = (wanted: number, code: string) =>
      logger.warn({ wanted, code }, 'threads cannot share ports on this system; one data thread serves')
    const plan = await planThreads(loaded.config.workers, onFewer, probePortSharing)
    const adopted = await adoptInheritance(options.inheritance ?? noInheritance, plan, options)
    return new Gateway(options, plan, adopted)
  }

  private constructor(options: GatewayOptions, { workers, sharesPorts }: ThreadPlan, adopted: AdoptedSockets) {
    const { logger, loaded, logWriter } = options
    const ledger = Ledger.create(columnsFor(workers, sharesPorts), systemControlClock.now())
    this.#options = options
    this.#adopted = adopted
    this.#sharesPorts = sharesPorts
    this.#loaded = loaded
    this.#rollout = new Rollout(Math.max(workers, 1), (error) => {
      if (this.#isServing) logger.error({ ...error }, 'listener not opened')
    })
    this.#timeline = createTimeline(logger)
    this.#control = createControl({ ledger, timeline: this.#timeline, logger, stateDir: loaded.config.stateDir })
    this.#plane = createDataPlane({
      workers,
      sharesPorts,
      ledger,
      given: adopted.given,
      lent: adopted.lent,
      logFd: options.logFd,
      drainDeadlineMs: () => this.#loaded.config.shutdown.deadlineMs,
      middlewares: options.middlewares ?? [],
      accessLog: createAccessLog(logWriter),
      onStarted: (id, send) => {
        this.#senders.set(id, send)
        this.#control.publisher.addThread(id, send)
      },
      onMessage: (id, message) => this.#received(id, message),
      onLeaving: (id) => {
        this.#rollout.threadLeaves(id)
        this.#handover.interrupt('a data thread was replaced meanwhile')
      },
      onLost: (id, loss) => this.#lost(id, loss),
      ...(options.threadEntry !== undefined && { entry: options.threadEntry }),
    })
    this.#series = new SeriesStore(
      families.filter(({ type }) => type === 'gauge').map(({ name }) => name),
      (thread, ids) => this.#senders.get(thread)?.({ type: 'series-released', ids }),
    )
    this.#scrape = createMetrics({
      series: this.#series,
      stats: () => this.#control.stats(),
      names: () => namesOf(this.#loaded.config, this.#control.routes()),
      reloads: () => this.#reloads,
      workers: () => ({ running: this.#plane.running(), restarts: this.#restarts }),
      logLinesDropped: () => logWriter.dropped,
    })
    this.#handover = new Handover({
      sockets: () => this.#socketsToHand(),
      deadlineMs: () => this.#loaded.config.readyTimeoutMs + successorStartMs,
      objection: (readiness) => this.#control.objectionTo(readiness),
      bequest: () => ({ tickets: this.#control.tickets.current(), orders: this.#control.standingOrders() }),
      onStep: (step, pid) => logger.info({ pid }, `successor ${step}`),
      onFailed: (reason) => this.#decide('handover-failed', reason),
    })
  }

  /**
   * Opens the admin server and the listeners; resolves when requests are served, ready or not. With a predecessor it is ready first,
   * and opens nothing before that says so.
   *
   * @throws GatewayError when an address can't be opened; then nothing is left open
   */
  async start(): Promise<GatewayAddresses> {
    const { config } = this.#loaded
    try {
      this.#checkMiddlewares(config)
      const predecessor = this.#options.inheritance?.predecessor ?? null
      if (predecessor !== null) await this.#inherit(predecessor)
      this.#admin = await startAdmin(
        config.admin,
        this.#adminInput(),
        (error) => this.#options.logger.error({ err: error }, 'admin request failed'),
        this.#adopted.admin?.fd,
      )
      const failed = new Promise<never>((_, reject) => {
        this.#failStart = reject
      })
      const listeners = await this.#open(config.listeners, this.#adopted.open)
      this.#version = this.#control.apply({ ...config, listeners }).version
      this.#listeners = listeners
      this.#plane.start()
      const { errors } = await Promise.race([failed, this.#rollout.inForce(this.#version)])
      if (errors.length > 0) throw new GatewayError(errors.map(listenMessage).join('; '))
      this.#isServing = true
      predecessor?.serving()
      if (predecessor !== null) this.#decide('took-over', `process ${predecessor.pid} gave up its sockets`)
    } catch (error) {
      await this.close()
      throw error instanceof GatewayError ? error : new GatewayError(messageOf(error), { cause: error })
    } finally {
      this.#failStart = null
    }
    this.#warn()
    setTimeout(() => (this.#isReadyByTime = true), config.readyTimeoutMs).unref()
    return this.addresses()
  }

  addresses(): GatewayAddresses {
    if (this.#admin === null) throw new GatewayError('the gateway has not been started')
    const listeners = this.#listeners.map(({ name, host, port }) => ({ name, host, port }))
    return { listeners, admin: { host: this.#admin.host, port: this.#admin.port } }
  }

  /** Each routed service with its endpoints, as the admin API shows them. */
  services(): readonly ServiceView[] {
    return this.#control.serviceViews()
  }

  /** Reads the configuration anew and puts it in force; a bad one leaves everything as it is. One after the other. */
  reload(): Promise<ReloadOutcome> {
    const outcome = this.#reloading.then(() => this.#reloadNow())
    this.#reloading = outcome.catch(() => {})
    return outcome
  }

  /**
   * Has a new process, started as this one was, take over the listening sockets. A reload waits for it.
   *
   * @returns its process id once it serves: this one has only to shut down then; null when everything stays as it is
   */
  handOver(): Promise<number | null> {
    const outcome = this.#reloading.then(() => this.#handover.run())
    this.#reloading = outcome.catch(() => {})
    return outcome
  }

  /**
   * Not ready from now on; after `shutdown.delay` stops accepting, finishes what is in flight until `shutdown.deadline`, ends.
   * Asked again, it is the same shutdown. After a handover there is no delay, and the admin server and the state directory are the
   * successor's at once.
   *
   * @returns how many connections the deadline cut
   */
  shutdown(): Promise<number> {
    this.#shutdown ??= this.#shutdownNow()
    return this.#shutdown
  }

  /** Ends at once, a shutdown too: what is in flight is cut. */
  close(): Promise<void> {
    this.#closed ??= this.#closeNow()
    return this.#closed
  }

  async #shutdownNow(): Promise<number> {
    const { delayMs, deadlineMs } = this.#loaded.config.shutdown
    this.#isDraining = true
    await this.#handover.end('the process that serves shuts down')
    if (this.#handover.isDone) void Promise.all([this.#admin?.close(), this.#control.releaseState()])
    else if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
    const cut = await this.#plane.drainAll(deadlineMs)
    await this.close()
    return cut
  }

  async #closeNow(): Promise<void> {
    this.#senders.clear()
    this.#rollout.close()
    await this.#plane.stop()
    await Promise.all([this.#control.close(), this.#admin?.close()])
    this.#admin = null
  }

  async #inherit(predecessor: Predecessor): Promise<void> {
    const { config } = this.#loaded
    // The predecessor's checks know which instances hang: requests that went there first would be lost.
    await Promise.race([this.#control.prepare(config, config.readyTimeoutMs, true), predecessor.refusal])
    const bequest = await predecessor.permission(this.#control.readinessToTakeOver())
    if (bequest !== null) {
      this.#control.tickets.adopt(bequest.tickets)
      this.#control.adoptOrders(bequest.orders)
    }
    // The addresses are served, and by all that the predecessor knew.
    this.#isServing = true
    this.#isReadyByTime = true
  }

  #open(wanted: Config['listeners'], open: Parameters<typeof openListeners>[1]) {
    return openListeners(wanted, open, (host, port) => this.#adopted.lent.holds(host, port))
  }

  #checkMiddlewares(config: Config): void {
    const { middlewares = [] } = this.#options
    const obstacle = middlewares.length === 0 ? null : obstacleToMiddlewares(config)
    if (obstacle !== null) throw new GatewayError(obstacle)
  }

  #socketsToHand(): readonly HandedSocket[] | null {
    const listening = this.#plane.listening()
    if (listening === null || this.#admin === null) return null
    const { lent } = this.#adopted
    const ofListeners = handedSockets({ listening, lent, open: this.#listeners, reusePort: this.#sharesPorts })
    // The admin server stays where it was opened, whatever a reload says.
    return [...ofListeners, handedAdmin(this.#admin, this.#options.loaded.config.admin)]
  }

  async #reloadNow(): Promise<ReloadOutcome> {
    const { logger, load } = this.#options
    try {
      const loaded = await load()
      this.#checkMiddlewares(loaded.config)
      const listeners = await this.#open(loaded.config.listeners, this.#listeners)
      const config = { ...loaded.config, listeners }
      await this.#control.prepare(config, maxPrepareMs)
      const { version } = this.#control.apply(config)
      const before = this.#loaded.config
      this.#loaded = loaded
      this.#listeners = listeners
      this.#version = version
      await this.#rollout.inForce(version)
      for (const { listener, host, port } of this.#adopted.lent.keep(listeners)) {
        logger.warn({ name: listener, address: `${host}:${port}` }, 'nobody accepts from this lent socket any more')
      }
      for (const key of keptUntilRestart(before, loaded.config)) {
        logger.warn({ key }, 'takes effect at the next start only')
      }
      this.#warn()
      this.#reloads.applied++
      this.#rejection = null
      this.#decide('config-applied', `version ${version} of ${loaded.file}`)
      return { applied: true, version }
    } catch (error) {
      const findings = error instanceof ConfigError ? error.findings : [{ message: messageOf(error) }]
      if (this.#closed !== null) return { applied: false, findings }
      this.#reloads.rejected++
      this.#rejection = findings
      this.#decide('config-rejected', messageOf(error))
      logger.error({ findings }, 'configuration rejected; the one in force stays')
      return { applied: false, findings }
    }
  }

  #warn(): void {
    const { warnings } = this.#loaded
    for (const { path, message } of warnings)
      this.#options.logger.warn({ path, warning: message }, 'configuration warning')
  }

  #decide(type: DecisionType, cause: string): void {
    this.#timeline.record({ type, service: null, endpoint: null, cause })
  }

  #received(id: number, message: ThreadMessage): void {
    const { publisher } = this.#control
    switch (message.type) {
      case 'config-applied':
        publisher.configAcknowledged(id, message.version)
        return this.#rollout.applied(id, message.version, message)
      case 'service-applied':
        return publisher.acknowledged(id, message.service, message.version)
      case 'ejected':
        return this.#control.ejected(message.ejection)
      case 'shedding':
        return this.#decide(message.isShedding ? 'shedding-begun' : 'shedding-over', message.cause)
      case 'series':
        return this.#series.announced(id, message.series)
      case 'series-retired':
        return this.#series.retired(id, message.series)
      case 'drained':
      case 'started':
    }
  }

  #lost(id: number, { cause, wasAsked, wasLeaving }: ThreadLoss): void {
    this.#senders.delete(id)
    this.#control.publisher.removeThread(id)
    this.#rollout.threadLost(id)
    this.#series.threadGone(id)
    if (!wasLeaving) this.#handover.interrupt('a data thread was lost meanwhile')
    if (wasAsked) this.#options.logger.info({ thread: id, cause }, 'data thread replaced')
    else {
      this.#restarts++
      this.#options.logger.error({ thread: id, cause }, 'data thread lost')
    }
    this.#decide('worker-replaced', cause.split('\n', 1)[0] as string)
    this.#failStart?.(new GatewayError(`a data thread died while starting: ${cause}`))
  }

  #adminInput(): AdminInput {
    return {
      liveness: () => ({ alive: true }),
      readiness: () => {
        const { ready, missing } = this.#control.readiness()
        return { ready: this.#isServing && (ready || this.#isReadyByTime), draining: this.#isDraining, missing }
      },
      metrics: this.#scrape,
      routes: () => this.#control.routes(),
      services: () => this.#control.serviceViews(),
      service: (name) => this.#control.serviceView(name),
      explain: (question) =>
        explainRequest(question, this.#control.routes(), (name) => this.#control.serviceView(name)),
      timeline: (limit) => this.#timeline.events(limit),
      config: () => ({ ...describeConfig(this.#loaded), version: this.#version, rejected: this.#rejection }),
      reload: () => this.reload(),
      workers: () => this.#plane.threads(),
      commandEndpoint: (id, action, durationMs) => this.#control.command(id, action, durationMs),
      drainWorker: (column) => (this.#handover.isUnderWay ? busyWithHandover : this.#plane.drain(column)),
    }
  }
}
