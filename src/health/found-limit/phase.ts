import { nothing, type Tally } from './flow.ts'

/** What is known of a service, whatever phase it is in. */
export interface Learned {
  /** What its quickest answers take when nothing queues: a minimum that is forgotten slowly. Null before the first answers. */
  readonly baseMs: number | null
  /** What its answers take on average while nothing is suspected. */
  readonly usualMs: number | null
  /** The same, while few are in flight: a miss that was wrong leaves it as it is. */
  readonly calmMs: number | null
  /** Answers a millisecond while nothing is suspected. */
  readonly usualRate: number
  /** The most that came: a maximum that is forgotten slowly. */
  readonly bestRate: number
  /** Of those in flight, how many no answer is expected of soon: long polls, streams, tunnels. */
  readonly held: number
  /** Probes in a row that found no overload. */
  readonly misses: number
  /** No probe before. */
  readonly mutedUntilMs: number
  /** What a request was to take, by Little's law, when the last probe found no overload. */
  readonly missedAtMs: number
}

/** No limit is in force. */
export interface Watching {
  readonly kind: 'watching'
  readonly tally: Tally
  /** The last tallies, all late and one after the other. */
  readonly late: readonly Tally[]
  /** When the first of them began; null = there are none. */
  readonly lateSinceMs: number | null
  readonly losses: Losses | null
}

export const watching: Watching = { kind: 'watching', tally: nothing, late: [], lateSinceMs: null, losses: null }

/** What came of requests while many are in flight. */
export interface Losses {
  readonly sinceMs: number
  readonly unansweredBefore: number
  readonly answers: number
  readonly leastMs: number | null
}

/** A limit is in force to see what it does; what is over it waits, and none is refused for it. */
export interface Probing {
  readonly kind: 'probing'
  readonly sinceMs: number
  readonly limit: number
  /** Of those that can move, how many the limit takes away. */
  readonly share: number
  /** What one that came last before the limit takes, if it waits for all in front of it. */
  readonly queueMs: number
  /** How many of those in flight had come before the limit, and how many may be in flight under it; held ones apart. */
  readonly earlier: number
  readonly later: number
  /** Answers until all who came before the limit are through, and to the last of them. */
  readonly settling: Tally
  readonly before: Tally
  /** Answers to those that came under it. */
  readonly under: Tally
}

/** Clients give up before they are answered: a limit is in force until answers come again. */
export interface Rescuing {
  readonly kind: 'rescuing'
  readonly sinceMs: number
  readonly limit: number
  readonly tally: Tally
}

/** Overload was found: the limit is what the service does at a time, and some. */
export interface Limited {
  readonly kind: 'limited'
  readonly limit: number
  readonly pending: number
  /** Answers a millisecond, while it has as much to do as it may. */
  readonly rate: number
  /** What an answer takes that waits for nothing in an instance. */
  readonly serviceMs: number
  readonly endpoints: number
  readonly tally: Tally
  /** Since when much of the limit is not used; null = it is. */
  readonly quietSinceMs: number | null
  readonly dip: Dip | null
  readonly nextDipMs: number
  /** What the last dip was made at. */
  readonly dippedRate: number
  /** Whether the throughput holds with this limit as well is yet to be seen; null = it does. */
  readonly trial: Trial | null
}

export interface Trial {
  /** Answers to go until those who came before this limit are through, and when they are overdue. */
  readonly earlier: number
  readonly overdueAtMs: number
  /** Since when no answer has come. */
  readonly silentSinceMs: number
  /** The probe left a doubt: until it is removed whoever comes may wait. */
  readonly isDoubted: boolean
}

/** A limit so low, for a moment, that nothing can queue in the instances: it shows what an answer takes. */
export interface Dip {
  readonly limit: number
  readonly pending: number
  readonly settledAtMs: number
  readonly tally: Tally
}

export type Phase = Watching | Probing | Rescuing | Limited

/** What becomes of a look. `why`: half a sentence for the timeline; null = nothing new. */
export interface Step {
  readonly phase: Phase
  readonly learned: Learned
  readonly why: string | null
}
