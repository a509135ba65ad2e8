import { Worker } from 'node:worker_threads'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { fullJitterMs } from '../util/backoff.ts'
import type { DataPlane, DataPlaneOptions } from './data-plane.ts'
import type { ThreadParameters } from './thread.ts'

/** Memory of one data thread's heap before it is replaced rather than let the process swap. */
const maxOldGenerationSizeMb = 2048
/** A thread that lived this long did not die of its start: back-off begins anew. */
const stableMs = 30_000
const watchMs = 1000
/** Longer than any garbage collection or reload; a thread that is silent for so long serves nobody. */
const defaultStuckMs = 10_000

interface Slot {
  readonly column: number
  worker: Worker | null
  id: number
  /** Why it ended, or will end. */
  cause: string
  startedAt: number
  /** Deaths in a row soon after the start. */
  deaths: number
  retry: NodeJS.Timeout | null
  /** The thread's last beat that was seen, and how often it was the same since. */
  beats: number
  silentLooks: number
}

/**
 * Keeps `workers` data threads running: one that dies, or whose event loop stands still, is replaced, at once the first
 * time, with back-off when it keeps dying.
 */
export class Supervisor implements DataPlane {
  readonly #options: DataPlaneOptions
  readonly #slots: Slot[]
  #nextId = 1
  #isStopping = false
  #watching: NodeJS.Timeout | null = null

  constructor(options: DataPlaneOptions) {
    this.#options = options
    this.#slots = Array.from({ length: options.workers }, (_, column) => ({
      column,
      worker: null,
      id: 0,
      cause: '',
      startedAt: 0,
      deaths: 0,
      retry: null,
      beats: 0,
      silentLooks: 0,
    }))
  }

  /** Threads that are running now. */
  get running(): number {
    return this.#slots.filter(({ worker }) => worker !== null).length
  }

  start(): void {
    for (const slot of this.#slots) this.#spawn(slot)
    this.#watching = setInterval(() => this.#look(), watchMs).unref()
  }

  send(message: ControlMessage): void {
    for (const { worker } of this.#slots) worker?.postMessage(message)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.#watching !== null) clearInterval(this.#watching)
    for (const slot of this.#slots) if (slot.retry !== null) clearTimeout(slot.retry)
    await Promise.all(this.#slots.map(async ({ worker }) => worker?.terminate()))
  }

  /** Looks are counted, not time: a stall of this thread is none of the others'. */
  #look(): void {
    const { ledger, stuckMs = defaultStuckMs } = this.#options
    for (const slot of this.#slots) {
      const beats = ledger.beats(slot.column)
      if (slot.worker === null || beats !== slot.beats) slot.silentLooks = 0
      else if (++slot.silentLooks * watchMs >= stuckMs) {
        slot.silentLooks = 0
        slot.cause = `its event loop stood still for ${stuckMs} ms`
        void slot.worker.terminate()
      }
      slot.beats = beats
    }
  }

  #spawn(slot: Slot): void {
    const { ledger, workers, logFd, entry } = this.#options
    const id = this.#nextId++
    const parameters: ThreadParameters = { column: slot.column, threads: workers, ledger: ledger.shape(), logFd }
    const worker = new Worker(entry ?? defaultEntry(), {
      name: `tidegate-${slot.column}`,
      workerData: parameters,
      resourceLimits: { maxOldGenerationSizeMb },
    })
    slot.cause = 'it ended'
    slot.worker = worker
    slot.id = id
    slot.startedAt = performance.now()
    worker.on('message', (message: ThreadMessage) => {
      if (message.type === 'started') this.#options.onStarted(id, (control) => worker.postMessage(control))
      else this.#options.onMessage(id, message)
    })
    worker.on('error', (error) => {
      slot.cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    worker.on('exit', () => this.#exited(slot))
  }

  #exited(slot: Slot): void {
    const { id, column, cause } = slot
    slot.worker = null
    this.#options.ledger.takeBack(column)
    if (this.#isStopping) return
    this.#options.onLost(id, cause)
    slot.deaths = performance.now() - slot.startedAt > stableMs ? 0 : slot.deaths + 1
    const delayMs = slot.deaths <= 1 ? 0 : fullJitterMs(slot.deaths, 100, 10_000)
    slot.retry = setTimeout(() => this.#spawn(slot), delayMs)
  }
}

/** tsc leaves such URLs as they are, so the extension is this module's own. */
function defaultEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./thread${extension}`, import.meta.url)
}
