import { decodeFault } from './decode.ts'
import type { Fault, RequestFault } from './fault.ts'

/** Where faults are ordered over HTTP; no fault meets requests there. */
export const faultsPath = '/v1/tidegate/faults'

/** What faults do to the registry as a whole; `lose` returns what makes the loss good. */
export interface Afflicted {
  readonly loseLeader: () => () => void
  readonly resetIndex: () => void
  readonly forget: () => void
  readonly dropConnections: () => void
}

/** A fault that meets a request. */
export interface Meeting {
  readonly fault: RequestFault
  /** Aborts when the fault is undone. */
  readonly undone: AbortSignal
}

interface Standing {
  readonly fault: Fault
  readonly undo: () => void
  /** Null for a state of the registry, which no request meets. */
  readonly meeting: Meeting | null
  timesLeft: number
}

/** The faults that hold now. */
export class FaultTable {
  readonly #afflicted: Afflicted
  readonly #standing = new Map<number, Standing>()
  #lastId = 0

  constructor(afflicted: Afflicted) {
    this.#afflicted = afflicted
  }

  /** @returns the fault's id, by which it is undone; throws an `ApiError` where the order can't be understood */
  order(value: unknown): number {
    const fault = decodeFault(value)
    const id = ++this.#lastId
    if ('resetIndex' in fault) this.#afflicted.resetIndex()
    else if ('forget' in fault) this.#afflicted.forget()
    else if ('dropConnections' in fault) this.#afflicted.dropConnections()
    else if ('leaderless' in fault) {
      this.#standing.set(id, { fault, undo: this.#afflicted.loseLeader(), meeting: null, timesLeft: Infinity })
    } else {
      const over = new AbortController()
      const meeting = { fault, undone: over.signal }
      this.#standing.set(id, { fault, undo: () => over.abort(), meeting, timesLeft: fault.times ?? Infinity })
    }
    return id
  }

  /** False where there is no such fault: it is over, or it was a moment. */
  undo(id: number): boolean {
    const standing = this.#standing.get(id)
    this.#standing.delete(id)
    standing?.undo()
    return standing !== undefined
  }

  undoAll(): void {
    for (const id of this.#standing.keys()) this.undo(id)
  }

  list(): (Fault & { id: number })[] {
    return [...this.#standing].map(([id, { fault }]) => ({ id, ...fault }))
  }

  /** The faults that a request of this path meets, in the order in which they were ordered. */
  meet(path: string): Meeting[] {
    const met: Meeting[] = []
    if (path.startsWith(faultsPath)) return met
    for (const [id, standing] of this.#standing) {
      const { meeting } = standing
      if (meeting === null || !path.startsWith(meeting.fault.path ?? '')) continue
      met.push(meeting)
      standing.timesLeft -= 1
      if (standing.timesLeft === 0) this.#standing.delete(id)
    }
    return met
  }
}
