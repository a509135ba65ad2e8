/** What an instance may be told to be. `ok` answers at once, or after its latency. */
export const moods = [
  'ok',
  'slow',
  'reset',
  'reset-mid-head',
  'reset-mid-body',
  'half-open',
  'garbage',
  'endless-head',
  'length-too-long',
  'length-too-short',
  'refusing',
] as const
export type Mood = (typeof moods)[number]

/** How an instance is started, as the one argument of its process. */
export interface InstanceParameters {
  readonly id: string
  readonly port: number
  /** Between a whole request and its answer. */
  readonly latencyMs: number
  /** Requests that are worked on at a time; the others wait. Null = all. */
  readonly slots: number | null
  /** Gets a line for each request that may not be sent twice, as soon as its head is read; kept over a SIGKILL. */
  readonly arrivals: string
}

export interface Counts {
  /** Requests. */
  readonly received: number
  readonly inFlight: number
  /** Connections. */
  readonly opened: number
  readonly closed: number
}

export type ToInstance = { readonly type: 'be'; readonly mood: Mood } | { readonly type: 'count' }

export type FromInstance =
  | { readonly type: 'listening' }
  | { readonly type: 'became'; readonly mood: Mood }
  | ({ readonly type: 'counted' } & Counts)
