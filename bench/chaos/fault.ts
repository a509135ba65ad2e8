import type { EdgeName } from './edges/index.ts'
import type { Figures } from './figures.ts'
import type { LoadParameters, Samples } from './load/samples.ts'
import type { Method } from './load/methods.ts'
import type { World, WorldSetting } from './world.ts'

/** Of a fault: how long it lasts, or how often it strikes in that time. */
export interface Pace {
  readonly seconds: number
  readonly times: number
}

export interface Strike extends Pace {
  readonly world: World
  /** Requests per second that the whole world can answer; NaN where nobody measured it. */
  readonly peakPerSecond: number
  /** Something is broken from now on: recovery is counted from the last of these. */
  readonly blow: () => void
  /** More requests, beside the steady ones. */
  readonly addLoad: (parameters: Pick<LoadParameters, 'connections' | 'ratePerSecond'>) => Promise<void>
}

/** What a fault found out besides the load: shown, and judged. */
export type Facts = Readonly<Record<string, number>>

/** A request that did not get what it asked for. */
export interface Failed {
  readonly kind: string
  /** On the clock of `systemMs`, as all times here; NaN for one that was never sent. */
  readonly sentMs: number
  readonly endedMs: number
}

export interface Outcome {
  readonly edge: EdgeName
  readonly figures: Figures
  readonly failed: readonly Failed[]
  /** Requests that arrived more than once and may not. */
  readonly repeated: readonly string[]
  /** What the gateway's gauges show after the last answer; null where another proxy is the edge. */
  readonly leftInFlight: number | null
  /** When the gateway ejected an endpoint, oldest first. */
  readonly ejectedMs: readonly number[]
  readonly struckMs: number
  readonly endedMs: number
  readonly connections: number
  readonly peakPerSecond: number
  /** Of the loads that the fault added. */
  readonly added: readonly Samples[]
  readonly steady: Samples
  readonly facts: Facts
}

export interface Fault {
  readonly name: string
  /** What it does, for the table. */
  readonly does: string
  /** What must hold, in the words. */
  readonly holds: string
  readonly methods: readonly Method[]
  readonly setting: WorldSetting
  /** In the full run. */
  readonly pace: Pace
  /** Other proxies can be put to it. */
  readonly isCommon: boolean
  /** It has to know what the world can answer, asked over so many connections; null: it has not. */
  readonly peakConnections: number | null
  strike(strike: Strike): Promise<Facts>
  /** @returns what did not hold; empty when all did */
  judge(outcome: Outcome): readonly string[]
}

/** A fault with what most of them have. */
export function fault(parts: Partial<Fault> & Pick<Fault, 'name' | 'does' | 'holds' | 'strike' | 'judge'>): Fault {
  return {
    methods: ['GET'],
    // So that some requests are in an instance whenever something happens to it.
    setting: { latencyMs: 5 },
    pace: { seconds: 10, times: 1 },
    isCommon: false,
    peakConnections: null,
    ...parts,
  }
}
