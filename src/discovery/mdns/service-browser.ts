import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../../core/instance.ts'
import { systemClock } from '../../util/clock.ts'
import { AnswerBox } from '../answer-box.ts'
import type { Answer, SkippedEntry } from '../contract.ts'
import type { AnnouncedInstance, InstanceContext, Part } from './announced-instance.ts'
import type { Ask } from './ask.ts'
import { InstanceTable } from './instance-table.ts'
import { QuerySchedule } from './query-schedule.ts'
import { askForParts, askForService, needsServiceQuestion } from './questions.ts'
import type { Response } from './response.ts'
import type { ServiceName } from './service-name.ts'

export interface BrowserContext extends InstanceContext {
  readonly ask: (asks: readonly Ask[]) => void
  readonly onSkipped: (entry: SkippedEntry) => void
}

/** Of instances that lack something, in one go. */
const maxAskedAtOnce = 50

/** Follows one service while somebody watches it: asks, listens, forgets, and answers with the whole list when it has changed. */
export class ServiceBrowser {
  readonly #service: string
  readonly #question: string
  readonly #context: BrowserContext
  readonly #table: InstanceTable
  readonly #schedule: QuerySchedule
  readonly #boxes = new Set<AnswerBox>()
  readonly #openedAtMs = systemClock.now()
  #instances: readonly Instance[] | null = null
  #reported: ReadonlySet<string> = new Set()
  #answerAtMs: number
  #nextAnswerFromMs: number
  #askMissingAtMs = Infinity
  #askedMissingAtMs = -Infinity
  #tableDueAtMs = Infinity
  #wakesAtMs = Infinity
  #timer: NodeJS.Timeout | undefined

  constructor(service: string, name: ServiceName, context: BrowserContext) {
    this.#service = service
    this.#question = name.question
    this.#context = context
    this.#table = new InstanceTable(service, name, context, this.#openedAtMs)
    this.#schedule = new QuerySchedule(context.limits, this.#openedAtMs)
    this.#nextAnswerFromMs = this.#openedAtMs + context.limits.answerWindowMs
    this.#answerAtMs = this.#nextAnswerFromMs
    this.#tick()
  }

  get isWatched(): boolean {
    return this.#boxes.size > 0
  }

  join(): AnswerBox {
    const box = new AnswerBox()
    this.#boxes.add(box)
    if (this.#instances !== null) box.put(answerOf(this.#instances))
    return box
  }

  leave(box: AnswerBox): void {
    box.cancel()
    this.#boxes.delete(box)
  }

  /** All watches get the error. */
  fail(error: unknown): void {
    for (const box of this.#boxes) box.fail(error)
    this.close()
  }

  close(): void {
    for (const box of this.#boxes) box.end()
    clearTimeout(this.#timer)
  }

  isHeardOn(wire: string): boolean {
    return this.#table.isHeardOn(wire)
  }

  /** There is a new wire to ask on. */
  askAnew(): void {
    this.#schedule.restart(systemClock.now())
    this.#wakeBy(this.#schedule.dueAtMs)
  }

  hear(response: Response): void {
    const nowMs = systemClock.now()
    const { instances, hasGoodbye } = this.#table.hear(response, nowMs)
    if (instances.size === 0) return
    // Whoever is still there says so before the goodbye counts (RFC 6762 section 10.1), be the goodbye forged or said on one of its
    // wires only. Not at once: go-micro's responder answers until it is closed.
    if (hasGoodbye) this.#schedule.askBy(nowMs + this.#context.limits.goodbyeMs / 2)
    if ([...instances].some((instance) => instance.missing().size > 0)) this.#askMissingSoon(nowMs)
    this.#answerSoon(nowMs)
    for (const instance of instances) this.#tableDueAtMs = Math.min(this.#tableDueAtMs, instance.dueAtMs(nowMs))
    this.#wakeForNext()
  }

  #wakeForNext(): void {
    this.#wakeBy(Math.min(this.#answerAtMs, this.#askMissingAtMs, this.#schedule.dueAtMs, this.#tableDueAtMs))
  }

  #askMissingSoon(nowMs: number): void {
    const { settleMs, queryGapMs } = this.#context.limits
    const atMs = Math.max(nowMs + settleMs, this.#askedMissingAtMs + queryGapMs)
    this.#askMissingAtMs = Math.min(this.#askMissingAtMs, atMs)
  }

  #answerSoon(nowMs: number): void {
    const atMs = Math.max(nowMs + this.#context.limits.settleMs, this.#nextAnswerFromMs)
    this.#answerAtMs = Math.min(this.#answerAtMs, atMs)
  }

  #wakeBy(atMs: number): void {
    if (atMs >= this.#wakesAtMs) return
    this.#wakesAtMs = atMs
    clearTimeout(this.#timer)
    // However soon a stranger's records end, they are looked at only so often.
    const delayMs = Math.max(this.#context.limits.settleMs, Math.ceil(atMs - systemClock.now()))
    this.#timer = setTimeout(() => this.#tick(), delayMs)
    // A first answer is waited for; changes are no reason for a process to live on.
    if (this.#instances !== null) this.#timer.unref()
  }

  #tick(): void {
    const nowMs = systemClock.now()
    this.#wakesAtMs = Infinity
    if (this.#tableDueAtMs <= nowMs) this.#answerSoon(nowMs)
    this.#table.forget(nowMs)
    this.#askWhatIsDue(nowMs)
    if (this.#answerAtMs <= nowMs) this.#answer(nowMs)
    this.#tableDueAtMs = this.#table.dueAtMs(nowMs)
    this.#wakeForNext()
  }

  #askWhatIsDue(nowMs: number): void {
    const isTime = this.#schedule.take(nowMs)
    const asksForMissing = isTime || this.#askMissingAtMs <= nowMs
    let missingLeft = asksForMissing ? maxAskedAtOnce : 0
    let asksService = isTime
    const asks: Ask[] = []
    const known = new Set<AnnouncedInstance>()
    for (const instance of this.#table.instances) {
      const parts: Set<Part> = instance.takeWanted(nowMs)
      const missing = instance.missing()
      if (missing.size > 0 && missingLeft > 0) {
        for (const part of missing) parts.add(part)
        missingLeft -= 1
        this.#askedMissingAtMs = nowMs
      }
      const needsService = needsServiceQuestion(instance, parts)
      asksService ||= needsService
      // It is to say all of itself again: it must not be among the known.
      if (!needsService && !instance.isLeaving) known.add(instance)
      asks.push(...askForParts(instance, parts))
    }
    if (asksForMissing) this.#askMissingAtMs = Infinity
    if (asksService) asks.push(askForService(this.#question, known, nowMs))
    if (asks.length > 0) this.#context.ask(asks)
  }

  /** The first answer comes with the first instance, but not before all had time to answer; that there is none is said after two queries. */
  #answer(nowMs: number): void {
    const { queryGapMs, answerWindowMs, answerGapMs, answerGapMsPerInstance } = this.#context.limits
    const { instances, skipped } = this.#read(nowMs)
    const lastChanceAtMs = this.#openedAtMs + queryGapMs + answerWindowMs
    if (this.#instances === null && instances.length === 0 && nowMs < lastChanceAtMs) {
      this.#answerAtMs = lastChanceAtMs
      return
    }
    this.#answerAtMs = Infinity
    this.#nextAnswerFromMs = nowMs + answerGapMs + instances.length * answerGapMsPerInstance
    this.#report(skipped)
    if (isDeepStrictEqual(instances, this.#instances)) return
    this.#instances = instances
    for (const box of this.#boxes) box.put(answerOf(instances))
  }

  #read(nowMs: number): { instances: readonly Instance[]; skipped: readonly SkippedEntry[] } {
    const instances: Instance[] = []
    const skipped: SkippedEntry[] = [...this.#table.refused]
    for (const announced of this.#table.instances) {
      const outcome = announced.toInstance(nowMs)
      if (typeof outcome === 'string') skipped.push({ service: this.#service, entry: announced.id, reason: outcome })
      else if (outcome !== null) instances.push(outcome)
    }
    return { instances: instances.toSorted((a, b) => (a.id < b.id ? -1 : 1)), skipped }
  }

  /** Each bad entry once, not with every answer. */
  #report(skipped: readonly SkippedEntry[]): void {
    const now = new Map(skipped.map((entry) => [`${entry.entry}\n${entry.reason}`, entry]))
    for (const [key, entry] of now) if (!this.#reported.has(key)) this.#context.onSkipped(entry)
    this.#reported = new Set(now.keys())
  }
}

function answerOf(instances: readonly Instance[]): Answer {
  return { instances, position: null, mayHaveForgotten: false }
}
