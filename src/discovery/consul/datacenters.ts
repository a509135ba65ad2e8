import type { Instance } from '../../core/instance.ts'
import { fullJitterMs } from '../../util/backoff.ts'
import { systemClock } from '../../util/clock.ts'
import { AnswerBox } from '../answer-box.ts'
import type { DiscoveryContext } from '../context.ts'
import type { Answer, Discovery, Listing } from '../contract.ts'
import { pause } from '../pause.ts'

const minBackoffMs = 100
const maxBackoffMs = 10_000
/** The first answer does not wait longer for a datacenter that says nothing. */
const maxSilenceMs = 2000

export interface Datacenter {
  readonly name: string
  readonly discovery: Discovery
}

/**
 * One service in several datacenters, the nearest first: the instances of all, each with its datacenter's place in the order
 * as its tier, so that which are used is decided by what is known of endpoints (`eligible` in health), not of registries.
 *
 * A datacenter that can't be asked keeps its last list and is asked again here, while the others are followed on; only when none
 * answers does the watch throw. A first list that lacks a datacenter, and one with the first word of a datacenter after an outage, may
 * have forgotten instances, and says so.
 */
export class Datacenters implements Discovery {
  readonly #datacenters: readonly Datacenter[]
  readonly #context: DiscoveryContext

  constructor(datacenters: readonly Datacenter[], context: DiscoveryContext) {
    this.#datacenters = datacenters
    this.#context = context
  }

  async *watch(service: string, signal: AbortSignal, filter?: string): AsyncGenerator<Answer, void, void> {
    const box = new AnswerBox()
    yield* this.#followed<Answer>(signal, box, {
      what: service,
      open: ({ discovery }, end) => discovery.watch(service, end, filter),
      put: (latest, isInDoubt) => {
        const instances = latest.flatMap((answer, rank) =>
          (answer?.instances ?? []).map((instance) => this.#placed(instance, rank)),
        )
        box.put({ instances, position: null, mayHaveForgotten: isInDoubt })
      },
      isDoubtful: ({ mayHaveForgotten }) => mayHaveForgotten,
    })
  }

  async *list(signal: AbortSignal): AsyncGenerator<Listing, void, void> {
    // Only to be woken by: the latest listings are what counts.
    const box = new AnswerBox()
    let listings: readonly (Listing | null)[] = []
    const woken = this.#followed<Listing>(signal, box, {
      what: 'the list of services',
      open: ({ discovery }, end) => discovery.list?.(end) ?? none(),
      put: (latest) => {
        listings = latest
        box.put({ instances: [], position: null, mayHaveForgotten: false })
      },
      isDoubtful: () => false,
    })
    for await (const _ of woken) yield union(listings)
  }

  async close(): Promise<void> {
    await Promise.all(this.#datacenters.map(({ discovery }) => discovery.close()))
  }

  async *#followed<Heard>(signal: AbortSignal, box: AnswerBox, following: Following<Heard>) {
    const stop = new AbortController()
    const end = AbortSignal.any([signal, stop.signal])
    if (end.aborted) return
    const round = new Round(this.#datacenters.length, box, following)
    for (const [rank, datacenter] of this.#datacenters.entries()) {
      void this.#follow({ datacenter, rank, round, following }, end)
    }
    void pause(maxSilenceMs, end).then(() => round.waitNoLonger())
    yield* box.answers(end, { over: () => stop.abort() })
  }

  async #follow<Heard>(one: Followed<Heard>, end: AbortSignal): Promise<void> {
    const { datacenter, rank, round, following } = one
    for (let failures = 0; !end.aborted;) {
      let answeredAtMs = Infinity
      try {
        for await (const heard of following.open(datacenter, end)) {
          answeredAtMs = Math.min(answeredAtMs, systemClock.now())
          round.heard(rank, heard)
        }
        // It was closed.
        return round.box.end()
      } catch (error) {
        if (end.aborted) return
        // One that answers at once and then fails, again and again, is neither asked nor told of ten times a second.
        failures = systemClock.now() - answeredAtMs >= maxBackoffMs ? 1 : failures + 1
        if (failures === 1) this.#report(datacenter.name, following.what, error)
        round.failed(rank, error)
        await pause(fullJitterMs(failures, minBackoffMs, maxBackoffMs, this.#context.random), end)
      }
    }
  }

  #report(datacenter: string, service: string, error: unknown): void {
    const reason = `${error instanceof Error ? error.message : String(error)}; its last list stays`
    this.#context.onSkipped({ service, entry: `datacenter ${datacenter}`, reason })
  }

  /** Nodes of one name may be in several datacenters; Consul tells them apart in the same way. */
  #placed(instance: Instance, rank: number): Instance {
    const node = `${instance.node}.${this.#datacenters[rank]?.name ?? ''}`
    return Object.freeze({ ...instance, node, tier: rank })
  }
}

interface Following<Heard> {
  readonly what: string
  readonly open: (datacenter: Datacenter, end: AbortSignal) => AsyncIterable<Heard>
  /** What there is of each now; null = nothing yet. */
  readonly put: (latest: readonly (Heard | null)[], isInDoubt: boolean) => void
  readonly isDoubtful: (heard: Heard) => boolean
}

interface Followed<Heard> {
  readonly datacenter: Datacenter
  readonly rank: number
  readonly round: Round<Heard>
  readonly following: Following<Heard>
}

/** What the datacenters have said of one thing. */
class Round<Heard> {
  readonly box: AnswerBox
  readonly #following: Following<Heard>
  readonly #latest: (Heard | null)[]
  readonly #states: ('silent' | 'heard' | 'failed')[]
  #isWaiting = true
  #isInDoubt = false
  #isFirst = true

  constructor(count: number, box: AnswerBox, following: Following<Heard>) {
    this.box = box
    this.#following = following
    this.#latest = Array.from({ length: count }, () => null)
    this.#states = Array.from({ length: count }, () => 'silent')
  }

  heard(rank: number, heard: Heard): void {
    this.#isInDoubt ||= this.#states[rank] === 'failed' || this.#following.isDoubtful(heard)
    this.#latest[rank] = heard
    this.#states[rank] = 'heard'
    this.#put()
  }

  failed(rank: number, error: unknown): void {
    this.#states[rank] = 'failed'
    if (this.#states.every((state) => state === 'failed')) this.box.fail(error)
    else if (this.#isWaiting) this.#put()
  }

  waitNoLonger(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#put()
  }

  #put(): void {
    if (this.#isWaiting && this.#states.includes('silent')) return
    if (this.#latest.every((heard) => heard === null)) return
    this.#isWaiting = false
    // What an earlier watch, or process, knew of a datacenter that says nothing is doubted once; later answers take nothing of it away.
    const lacksOne = this.#isFirst && this.#latest.includes(null)
    this.#following.put(this.#latest, this.#isInDoubt || lacksOne)
    this.#isInDoubt = false
    this.#isFirst = false
  }
}

async function* none(): AsyncGenerator<never, void, void> {}

function union(listings: readonly (Listing | null)[]): Listing {
  const all = new Map<string, readonly string[]>()
  for (const listing of listings) {
    for (const [service, tags] of listing ?? []) all.set(service, [...(all.get(service) ?? []), ...tags])
  }
  return all
}
