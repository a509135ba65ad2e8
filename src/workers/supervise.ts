import type { ListenSocket } from '../core/listen-socket.ts'
import type { ControlMessage, ListenError, ThreadMessage } from '../core/message.ts'
import { fullJitterMs } from '../util/backoff.ts'
import type { DataPlane, DataPlaneOptions, DrainAnswer, RunningThread } from './data-plane.ts'
import { LentSockets } from './lent-sockets.ts'
import { lookMs } from './pulse.ts'
import { ThreadSockets } from './thread-sockets.ts'
import { type ThreadView, viewThread } from './thread-view.ts'
import { WorkerThread } from './worker-thread.ts'

/** Memory of one data thread's heap before it is replaced rather than let the process swap. */
const defaultMaxHeapMb = 2048
/** A thread that lived this long did not die of its start: back-off begins anew. */
const stableMs = 30_000
/** Longer than any garbage collection or reload; a thread that is silent for so long serves nobody. */
const defaultStuckMs = 10_000
/** The same while it starts, which takes long on a machine at its limit. */
const stuckAtStartMs = 30_000
/** So many looks in a row have to find a heap nearly full: one may find garbage. */
const crowdedLooks = 5
/** Looks until a replacement that could not listen is tried again. */
const looksPerTry = 60

/** Where one data thread is wanted. */
interface Place {
  current: WorkerThread | null
  /** Drains, or will once `current` serves. */
  leaving: WorkerThread | null
  /** Sockets of a predecessor for its first thread. */
  given: readonly ListenSocket[]
  /** Deaths in a row soon after the start. */
  deaths: number
  retry: NodeJS.Timeout | null
}

/**
 * Keeps `workers` data threads running: one that dies, or whose event loop stands still, is replaced, at once the first
 * time, with back-off when it keeps dying. One that drains, or whose heap is nearly full, is replaced before it goes.
 */
export class Supervisor implements DataPlane {
  readonly #options: DataPlaneOptions
  readonly #places: readonly Place[]
  readonly #freeColumns: Set<number>
  readonly #lent: LentSockets
  /** Threads lost, by column. */
  readonly #losses: number[]
  #nextId = 1
  /** Totals in the Ledger may be one off. */
  #isUnsettled = false
  /** What `drainAll` waits for. */
  #draining: { readonly waiting: Set<WorkerThread>; readonly done: () => void } | null = null
  /** Connections that it cut. */
  #cut = 0
  #isStopping = false
  #looking: NodeJS.Timeout | null = null

  constructor(options: DataPlaneOptions) {
    const columns = Array.from({ length: options.ledger.workers }, (_, column) => column)
    this.#options = options
    this.#freeColumns = new Set(columns)
    this.#losses = columns.map(() => 0)
    this.#lent = options.lent ?? new LentSockets([], 0)
    const shares = shareOut(options.given ?? [], options.workers)
    this.#places = Array.from({ length: options.workers }, (_, place) => ({
      current: null,
      leaving: null,
      given: shares[place] ?? [],
      deaths: 0,
      retry: null,
    }))
  }

  running(): readonly RunningThread[] {
    return this.#threads().map(({ column, pulse }) => ({ column, utilization: pulse.utilization }))
  }

  listening(): readonly ListenSocket[] | null {
    const staying = this.#threads().filter(({ isLeaving }) => !isLeaving)
    const isComplete = this.#places.every(({ current }) => current !== null && current.state !== 'starting')
    return isComplete ? staying.flatMap(({ listening }) => listening) : null
  }

  start(): void {
    for (const place of this.#places) this.#spawn(place)
    this.#looking = setInterval(() => this.#look(), lookMs).unref()
  }

  send(message: ControlMessage): void {
    for (const thread of this.#threads()) thread.send(message)
  }

  drain(column: number): DrainAnswer {
    const thread = this.#threads().find((one) => one.column === column)
    if (thread === undefined)
      return { drains: false, reason: 'unknown', detail: `No data thread is in column ${column}` }
    const outcome = this.#replace(thread, 'a drain was asked for')
    if (typeof outcome === 'string') return { drains: false, reason: 'busy', detail: outcome }
    thread.isAsked = true
    return { drains: true, replacement: outcome }
  }

  drainAll(deadlineMs: number): Promise<number> {
    for (const { retry } of this.#places) if (retry !== null) clearTimeout(retry)
    this.#cut = 0
    return new Promise((resolve) => {
      const waiting = new Set(this.#threads().filter(({ isUp }) => isUp))
      this.#draining = { waiting, done: () => resolve(this.#cut) }
      for (const thread of waiting) this.#leave(thread, deadlineMs)
      if (waiting.size === 0) resolve(0)
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#looking !== null) clearInterval(this.#looking)
    for (const { retry } of this.#places) if (retry !== null) clearTimeout(retry)
    await Promise.all(this.#threads().map((thread) => thread.terminate()))
  }

  threads(): readonly ThreadView[] {
    const { ledger } = this.#options
    return this.#threads()
      .map((thread) => viewThread(thread, ledger, this.#losses[thread.column] ?? 0))
      .toSorted((a, b) => a.column - b.column)
  }

  #look(): void {
    const { ledger, stuckMs = defaultStuckMs } = this.#options
    if (this.#isUnsettled) this.#isUnsettled = !ledger.settle()
    for (const thread of this.#threads()) {
      const { pulse } = thread
      pulse.look()
      const maxSilenceMs = thread.isUp ? stuckMs : Math.max(stuckMs, stuckAtStartMs)
      if (pulse.silentLooks * lookMs >= maxSilenceMs) thread.end(`its event loop stood still for ${maxSilenceMs} ms`)
      if (pulse.crowdedLooks >= crowdedLooks) this.#replace(thread, 'its heap was nearly full')
    }
  }

  /** Begins with the replacement: nothing is refused, and a single thread may go too. @returns why not, or its column */
  #replace(thread: WorkerThread, cause: string): string | number {
    const obstacle = this.#obstacleTo(thread)
    if (obstacle !== null) return obstacle
    const place = this.#placeOf(thread)
    thread.enter('draining')
    thread.cause = cause
    place.leaving = thread
    return this.#spawn(place).column
  }

  #obstacleTo({ state, column }: WorkerThread): string | null {
    if (this.#draining !== null) return 'The gateway is shutting down'
    if (state === 'draining') return `The thread in column ${column} drains already`
    if (state === 'starting') return `The thread in column ${column} is starting`
    const other = this.#threads().find((thread) => thread.state === 'draining')
    if (other !== undefined) return `The thread in column ${other.column} drains; threads are replaced one at a time`
    if (this.#freeColumns.size > 0) return null
    return "Threads can't share ports on this system, so that no other can take over; restart the gateway"
  }

  #spawn(place: Place): WorkerThread {
    const { ledger, sharesPorts, logFd, entry = defaultEntry(), maxHeapMb = defaultMaxHeapMb } = this.#options
    const column = Math.min(...this.#freeColumns)
    this.#freeColumns.delete(column)
    const thread = new WorkerThread({
      id: this.#nextId++,
      parameters: { column, sharesPorts, ledger: ledger.shape(), logFd },
      entry,
      maxHeapMb,
      cell: ledger.worker(column),
      sockets: new ThreadSockets(this.#lent, place.given),
      onMessage: (from, message) => this.#received(from, message),
      onExit: (from) => this.#exited(from),
    })
    place.given = []
    place.current = thread
    return thread
  }

  #received(thread: WorkerThread, message: ThreadMessage): void {
    const { onStarted, onMessage } = this.#options
    if (message.type === 'started') {
      // Others drain: it would open the listeners again.
      if (this.#draining !== null) return
      thread.isUp = true
      return onStarted(thread.id, (control) => thread.send(control))
    }
    onMessage(thread.id, message)
    if (message.type === 'config-applied') {
      thread.listening = message.sockets
      this.#applied(thread, message.errors)
    }
    if (message.type === 'drained') this.#drained(thread, message.cut)
  }

  #applied(thread: WorkerThread, errors: readonly ListenError[]): void {
    if (thread.state !== 'starting') return
    thread.enter('serving')
    const place = this.#placeOf(thread)
    const { leaving } = place
    if (leaving === null) return
    if (errors.length === 0) return this.#leave(leaving, this.#options.drainDeadlineMs())
    // Better served by the old one than by nobody.
    leaving.enter('serving')
    leaving.isAsked = false
    leaving.pulse.excuse(looksPerTry)
    place.current = leaving
    place.leaving = thread
    thread.enter('draining')
    thread.end(`it was to replace another and could not listen: ${errors.map(({ message }) => message).join('; ')}`)
  }

  #leave(thread: WorkerThread, deadlineMs: number): void {
    if (thread.isLeaving) return
    thread.isLeaving = true
    if (thread.state !== 'draining') thread.enter('draining')
    this.#options.onLeaving(thread.id)
    thread.send({ type: 'drain', deadlineMs })
  }

  #drained(thread: WorkerThread, cut: number): void {
    this.#cut += cut
    this.#isDone(thread)
    if (this.#draining === null) thread.end(`${thread.cause}; ${cut} connections were cut`, thread.isAsked)
  }

  #exited(thread: WorkerThread): void {
    const { ledger, onLost } = this.#options
    const { id, column, cause, wasAsked, isLeaving: wasLeaving } = thread
    const place = this.#placeOf(thread)
    ledger.takeBack(column)
    this.#isUnsettled = !ledger.settle()
    this.#freeColumns.add(column)
    const isReplaced = place.leaving === thread
    if (isReplaced) place.leaving = null
    else place.current = null
    this.#isDone(thread)
    if (this.#isStopping) return
    if (!wasAsked) this.#losses[column] = (this.#losses[column] ?? 0) + 1
    onLost(id, { cause, wasAsked, wasLeaving })
    if (isReplaced || this.#draining !== null) return
    place.deaths = performance.now() - thread.startedAt > stableMs ? 0 : place.deaths + 1
    const delayMs = place.deaths <= 1 ? 0 : fullJitterMs(place.deaths, 100, 10_000)
    place.retry = setTimeout(() => this.#spawn(place), delayMs)
  }

  #isDone(thread: WorkerThread): void {
    if (this.#draining === null) return
    this.#draining.waiting.delete(thread)
    if (this.#draining.waiting.size === 0) this.#draining.done()
  }

  #placeOf(thread: WorkerThread): Place {
    const place = this.#places.find(({ current, leaving }) => current === thread || leaving === thread)
    if (place === undefined) throw new RangeError(`thread ${thread.id} has no place`)
    return place
  }

  #threads(): WorkerThread[] {
    return this.#places.flatMap(({ current, leaving }) => [current, leaving]).filter((thread) => thread !== null)
  }
}

/** Each socket to one thread, those of an address spread over all; where there are fewer threads, some listen on several. */
function shareOut(sockets: readonly ListenSocket[], threads: number): ListenSocket[][] {
  const shares: ListenSocket[][] = Array.from({ length: threads }, () => [])
  const next = new Map<string, number>()
  for (const socket of sockets) {
    const address = `${socket.host}:${socket.port}`
    const place = next.get(address) ?? 0
    next.set(address, (place + 1) % threads)
    shares[place]?.push(socket)
  }
  return shares
}

/** tsc leaves such URLs as they are, so the extension is this module's own. */
function defaultEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./thread${extension}`, import.meta.url)
}
