import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../../core/instance.ts'
import { AnswerBox } from '../answer-box.ts'
import type { Answer } from '../contract.ts'
import type { Name } from './name.ts'

/** How long an answer waits for names that were never looked up. */
const firstLookupMs = 2000

const none: readonly Instance[] = []
const noNames: ReadonlyMap<string, Name> = new Map()

/** One watch on its way through the resolver: keeps its latest answer and puts it out again whenever its addresses change. */
export class Resolution {
  readonly box = new AnswerBox()
  readonly #nameOf: (host: string) => Name
  readonly #onName = () => this.#consider()
  #names = noNames
  #answer: Answer | null = null
  #isPut = false
  #lastPut: readonly Instance[] | null = null
  #waiting: NodeJS.Timeout | null = null

  constructor(nameOf: (host: string) => Name) {
    this.#nameOf = nameOf
  }

  take(answer: Answer): void {
    const wasLost = !this.#isPut && this.#answer?.mayHaveForgotten === true
    this.#answer = wasLost ? { ...answer, mayHaveForgotten: true } : answer
    this.#isPut = false
    this.#listenTo(answer.instances)
    this.#consider()
  }

  /** The source has ended: the consumer gets what there is, then the end. */
  end(): void {
    if (!this.#isPut) this.#putNow()
    this.box.end()
  }

  /** The source has failed: the consumer gets what there is, then the error. */
  fail(error: unknown): void {
    if (!this.#isPut) this.#putNow()
    this.box.fail(error)
  }

  /** The consumer is gone: nothing is looked up any more. */
  close(): void {
    this.#stopWaiting()
    this.#listenTo([])
    this.box.cancel()
  }

  #consider(): void {
    if (this.#mustWait()) this.#waiting ??= setTimeout(() => this.#putNow(), firstLookupMs)
    else this.#putNow()
  }

  /** A first answer waits to be whole. Later ones only rather than to leave the service with nothing. */
  #mustWait(): boolean {
    if (this.#isPut || [...this.#names.values()].every((name) => name.wasAsked)) return false
    return this.#lastPut === null || this.#resolved().length === 0
  }

  #putNow(): void {
    this.#stopWaiting()
    const answer = this.#answer
    if (answer === null) return
    const instances = this.#resolved()
    const unresolved = this.#unresolved()
    // Names that can't be found are no word of the registry: they don't empty a list that may be remembered from before.
    if (this.#lastPut === null && instances.length === 0 && answer.instances.length > 0) return
    if (this.#isPut && isDeepStrictEqual(instances, this.#lastPut)) return
    const mayHaveForgotten = answer.mayHaveForgotten && !this.#isPut
    this.box.put({ ...answer, instances, mayHaveForgotten, ...(unresolved.length > 0 && { unresolved }) })
    this.#isPut = true
    this.#lastPut = instances
  }

  #resolved(): readonly Instance[] {
    if (this.#names.size === 0) return this.#answer?.instances ?? []
    return (this.#answer?.instances ?? []).flatMap((instance) => {
      const name = this.#names.get(instance.host)
      if (name === undefined) return instance
      return name.addresses.map((host) => Object.freeze({ ...instance, host, hostName: instance.host }))
    })
  }

  /** Those that the source could not resolve itself are left to it. */
  #unresolved(): readonly Instance[] {
    const { instances, unresolved = none } = this.#answer ?? { instances: none }
    if (this.#names.size === 0) return unresolved
    return [...unresolved, ...instances.filter(({ host }) => this.#names.get(host)?.addresses.length === 0)]
  }

  #listenTo(instances: readonly Instance[]): void {
    const before = this.#names
    const hosts = instances.map(({ host }) => host).filter((host) => isIP(host) === 0)
    if (hosts.length === 0 && before.size === 0) return
    this.#names = new Map(hosts.map((host) => [host, before.get(host) ?? this.#nameOf(host)]))
    for (const name of this.#names.values()) name.listen(this.#onName)
    for (const [host, name] of before) if (!this.#names.has(host)) name.unlisten(this.#onName)
  }

  #stopWaiting(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting)
    this.#waiting = null
  }
}
