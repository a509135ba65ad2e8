import { Worker } from 'node:worker_threads'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { fullJitterMs } from '../util/backoff.ts'
import type { DataPlane, DataPlaneOptions } from './data-plane.ts'
import type { ThreadParameters } from './thread.ts'

/** Memory of one data thread's heap before it is replaced rather than let the process swap. */
const maxOldGenerationSizeMb = 2048
/** A thread that lived this long did not die of its start: back-off begins anew. */
const stableMs = 30_000

interface Slot {
  readonly column: number
  worker: Worker | null
  id: number
  startedAt: number
  /** Deaths in a row soon after the start. */
  deaths: number
  retry: NodeJS.Timeout | null
}

/** Keeps `workers` data threads running: one that dies is replaced, at once the first time, with back-off when it keeps dying. */
export class Supervisor implements DataPlane {
  readonly #options: DataPlaneOptions
  readonly #slots: Slot[]
  #nextId = 1
  #isStopping = false

  constructor(options: DataPlaneOptions) {
    this.#options = options
    this.#slots = Array.from({ length: options.workers }, (_, column) => ({
      column,
      worker: null,
      id: 0,
      startedAt: 0,
      deaths: 0,
      retry: null,
    }))
  }

  /** Threads that are running now. */
  get running(): number {
    return this.#slots.filter(({ worker }) => worker !== null).length
  }

  start(): void {
    for (const slot of this.#slots) this.#spawn(slot)
  }

  send(message: ControlMessage): void {
    for (const { worker } of this.#slots) worker?.postMessage(message)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const slot of this.#slots) if (slot.retry !== null) clearTimeout(slot.retry)
    await Promise.all(this.#slots.map(async ({ worker }) => worker?.terminate()))
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
    let cause = 'it ended'
    slot.worker = worker
    slot.id = id
    slot.startedAt = performance.now()
    worker.on('message', (message: ThreadMessage) => {
      if (message.type === 'started') this.#options.onStarted(id, (control) => worker.postMessage(control))
      else this.#options.onMessage(id, message)
    })
    worker.on('error', (error) => {
      cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    worker.on('exit', () => this.#exited(slot, cause))
  }

  #exited(slot: Slot, cause: string): void {
    const { id, column } = slot
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
