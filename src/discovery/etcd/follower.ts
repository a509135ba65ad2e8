import { AnswerBox } from '../answer-box.ts'
import { ChurnLimit } from '../churn-limit.ts'
import { pause } from '../pause.ts'
import { ReadQueue } from '../read-queue.ts'
import type { SkippedEntry } from '../contract.ts'
import type { EtcdClient } from './client.ts'
import type { Format } from './formats/contract.ts'
import type { KeyPlace, KeySpace } from './key-space.ts'
import { ServiceTable } from './service-table.ts'
import type { KeyChange, KeyChanges } from './watch-stream.ts'

/** One running watch. */
export interface Watcher {
  readonly service: string
  readonly box: AnswerBox
}

export interface FollowerOptions {
  readonly client: EtcdClient
  readonly keys: KeySpace
  readonly format: Format
  readonly onSkipped: (entry: SkippedEntry) => void
  readonly restartIntervalMs: number
}

/** A service that is followed. */
interface Followed {
  readonly table: ServiceTable
  readonly watchers: Set<Watcher>
  /** Changes that came while the table was read for the first time; null = none are kept. */
  missed: KeyChange[] | null
  /** What its watches were told before may have been forgotten by the registry. */
  isInDoubt: boolean
}

/** Reads of single services at a time, for those that join later. */
const maxReads = 8

/**
 * Keeps all watches of a source up to date by one list of everything under the prefix and one stream of what changes after it. Values
 * of services that nobody watches are dropped as they come; a service that joins later is read by itself, and takes part from then on.
 * Whatever goes wrong is every watch's error: they come back by themselves, and the first of them makes the next attempt.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #services = new Map<string, Followed>()
  readonly #reads: ReadQueue<string>
  readonly #restartLimit = new ChurnLimit()
  /** Null while nothing is followed. */
  #run: AbortController | null = null
  #watchers = 0
  /** Watches that have had an answer. */
  readonly #answered = new WeakSet<Watcher>()
  /** Services without a watch at the last list: theirs failed, and has not come back since. */
  readonly #abandoned = new WeakSet<Followed>()
  /** True from the first list of a run on. */
  #isFollowing = false
  /** What the cluster was seen at last; over all runs. */
  #seen: { clusterId: string; revision: number } | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#reads = new ReadQueue(maxReads, async (service) => this.#read(service))
  }

  add(watcher: Watcher): void {
    const { service } = watcher
    this.#watchers++
    const followed = this.#services.get(service)
    if (followed !== undefined) followed.watchers.add(watcher)
    else {
      const table = new ServiceTable({
        format: this.#options.format,
        onSkipped: (id, reason) => this.#skipped({ service, id }, reason),
      })
      this.#services.set(service, { table, watchers: new Set([watcher]), missed: null, isInDoubt: false })
    }
    if (this.#run === null) this.#start()
    else if (this.#isFollowing) this.#join(watcher)
  }

  /** A watch that failed will come back: what it follows is listed for it meanwhile. */
  remove(watcher: Watcher): void {
    const { service, box } = watcher
    const followed = this.#services.get(service)
    if (followed?.watchers.delete(watcher) !== true) return
    this.#watchers--
    if (followed.watchers.size === 0 && !box.hasFailed) this.#services.delete(service)
    if (this.#watchers === 0) this.#stop()
  }

  close(): void {
    this.#stop()
    for (const { watchers } of this.#services.values()) for (const { box } of watchers) box.cancel()
  }

  #start(): void {
    const run = new AbortController()
    this.#run = run
    this.#follow(run.signal).catch((error: unknown) => {
      if (this.#run !== run) return
      this.#stop()
      this.#options.client.rotate()
      for (const followed of this.#services.values()) this.#fail(followed, error)
    })
  }

  #stop(): void {
    this.#run?.abort()
    this.#run = null
    this.#isFollowing = false
  }

  /** Runs until the signal aborts; rejects when etcd can't be asked. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { client, keys, restartIntervalMs } = this.#options
    // Watches that begin together are listed together. And of thousands that come back one by one, not each makes an attempt.
    await new Promise((resolve) => void setImmediate(resolve))
    while (!signal.aborted) {
      await pause(this.#restartLimit.takeMs(restartIntervalMs), signal)
      const revision = await this.#list(signal)
      if (signal.aborted) return
      for await (const batch of client.changes(keys.everything, revision + 1, signal)) {
        if (signal.aborted) return
        this.#apply(batch)
      }
      // What was to follow is compacted: only a new list knows.
      this.#isFollowing = false
    }
  }

  async #list(signal: AbortSignal): Promise<number> {
    const { client, keys } = this.#options
    this.#forgetAbandoned()
    const wanted = new Map<string, Map<string, string>>()
    const { revision, clusterId } = await client.list(keys.everything, {
      signal,
      restart: () => {
        wanted.clear()
        for (const service of this.#services.keys()) wanted.set(service, new Map())
      },
      take: (kvs) => {
        for (const { key, value } of kvs) {
          const place = keys.place(key)
          if (place !== null) wanted.get(place.service)?.set(place.id, value)
        }
      },
    })
    if (signal.aborted) return revision
    const seen = this.#seen
    const hasForgotten = seen !== null && (clusterId !== seen.clusterId || revision < seen.revision)
    this.#seen = { clusterId, revision }
    this.#isFollowing = true
    for (const [service, followed] of this.#services) {
      followed.isInDoubt ||= hasForgotten
      const values = wanted.get(service)
      if (values === undefined) {
        this.#queueRead(service, followed)
        continue
      }
      followed.missed = null
      const hasChanged = followed.table.replace(values, revision)
      this.#answer(followed, hasChanged || hasForgotten ? followed.watchers : this.#unanswered(followed))
    }
    return revision
  }

  #answer(followed: Followed, watchers: Iterable<Watcher>): void {
    const { instances, revision } = followed.table
    const position = Math.max(revision, this.#seen?.revision ?? 0)
    const answer = { instances, position, mayHaveForgotten: followed.isInDoubt }
    for (const watcher of watchers) {
      this.#answered.add(watcher)
      watcher.box.put(answer)
      followed.isInDoubt = false
    }
  }

  #unanswered({ watchers }: Followed): readonly Watcher[] {
    return [...watchers].filter((watcher) => !this.#answered.has(watcher))
  }

  /** All of a batch first, then one list for each service that it touched. */
  #apply({ revision, changes }: KeyChanges): void {
    if (this.#seen !== null) this.#seen.revision = revision
    const touched = new Set<Followed>()
    for (const change of changes) {
      const place = this.#options.keys.place(change.key)
      const followed = place === null ? undefined : this.#services.get(place.service)
      if (place === null || followed === undefined) continue
      if (followed.missed !== null) followed.missed.push(change)
      // Its first read failed: what changes is in the one that follows, and by itself would be taken for the whole list.
      else if (followed.table.revision === 0) continue
      else if (followed.table.apply(place.id, change.value, change.revision)) touched.add(followed)
    }
    for (const followed of touched) {
      followed.table.reach(revision)
      this.#answer(followed, followed.watchers)
    }
  }

  /** A watch that begins while all others are followed. */
  #join(watcher: Watcher): void {
    const followed = this.#services.get(watcher.service)
    if (followed === undefined || followed.missed !== null) return
    if (followed.table.revision > 0) this.#answer(followed, [watcher])
    else this.#queueRead(watcher.service, followed)
  }

  #queueRead(service: string, followed: Followed): void {
    followed.missed = []
    this.#reads.add(service, false)
  }

  async #read(service: string): Promise<void> {
    const followed = this.#services.get(service)
    const signal = this.#run?.signal
    if (followed === undefined || signal === undefined || followed.missed === null) return
    const { client, keys } = this.#options
    const values = new Map<string, string>()
    try {
      const { revision } = await client.list(keys.of(service), {
        signal,
        restart: () => values.clear(),
        take: (kvs) => {
          for (const { key, value } of kvs) {
            const place = keys.place(key)
            if (place?.service === service) values.set(place.id, value)
          }
        },
      })
      const { missed } = followed
      // A list of everything was quicker, or nobody waits any more.
      if (missed === null || signal.aborted) return
      followed.missed = null
      followed.table.replace(values, revision)
      for (const { key, value, revision: at } of missed) followed.table.apply(keys.place(key)?.id ?? '', value, at)
      followed.table.reach(missed.at(-1)?.revision ?? revision)
      this.#answer(followed, followed.watchers)
    } catch (error) {
      if (!signal.aborted) this.#fail(followed, error)
    }
  }

  #fail(followed: Followed, error: unknown): void {
    followed.missed = null
    for (const { box } of followed.watchers) box.fail(error)
  }

  /** Of services whose watch failed and was not back by the list after, nothing is kept. */
  #forgetAbandoned(): void {
    for (const [service, followed] of this.#services) {
      if (followed.watchers.size > 0) this.#abandoned.delete(followed)
      else if (this.#abandoned.has(followed)) this.#services.delete(service)
      else this.#abandoned.add(followed)
    }
  }

  #skipped(place: KeyPlace, reason: string): void {
    const { keys, onSkipped } = this.#options
    onSkipped({ service: place.service, entry: keys.keyOf(place), reason })
  }
}
