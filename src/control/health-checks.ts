import { isDeepStrictEqual } from 'node:util'
import type { HealthCheck } from '../core/health-check.ts'
import type { ClientTlsSettings } from '../core/snapshot.ts'
import type { CheckResult, CheckTarget } from '../health/check-probe.ts'
import { judge, unjudged, type CheckVerdict } from '../health/check-verdict.ts'
import type { Random } from '../util/random.ts'
import type { CheckProber } from './check-prober.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import type { EndpointRecord, Records } from './membership.ts'

/** Checks come at 90–110 % of their interval. */
const jitterShare = 0.1
/** While traffic proves that an endpoint is well, so many checks in a row are left out. */
const maxSpared = 2

/** What a service's checks are made with. */
export interface CheckSettings {
  /** Null = its endpoints are not checked. */
  readonly healthCheck: HealthCheck | null
  readonly tls: ClientTlsSettings | null
}

/** The verdict about an endpoint was turned over. */
export interface CheckTurn {
  readonly service: string
  readonly id: string
  readonly isUnhealthy: boolean
  readonly cause: string
}

export interface HealthChecksOptions {
  readonly clock: ControlClock
  readonly random: Random
  readonly prober: CheckProber
  readonly onTurn: (turn: CheckTurn) => void
}

/** The checks of one endpoint. */
interface Check {
  readonly service: string
  record: EndpointRecord
  verdict: CheckVerdict
  last: CheckResult | null
  /** What the Ledger said when it was last looked at. */
  seen: { readonly latencyMs: number; readonly failures: number }
  spared: number
  /** The first pause is half an interval to a whole one: what was listed together is soon not checked together. */
  isFirstPause: boolean
  isRunning: boolean
  /** Resolved when a check has said something of the endpoint, or none is made any more. */
  readonly judged: PromiseWithResolvers<void>
  cancel: Cancel
}

interface Checked {
  readonly settings: { readonly healthCheck: HealthCheck; readonly tls: ClientTlsSettings | null }
  readonly checks: Map<string, Check>
}

/**
 * Asks the endpoints of services that have a `healthCheck` whether they are well; once, for all data threads. Verdicts belong
 * to the identity of an endpoint and live as long as the service lists it and lets it be checked.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions
  readonly #services = new Map<string, Checked>()

  constructor(options: HealthChecksOptions) {
    this.#options = options
  }

  /** Checks these endpoints of the service from now on: new ones at once, known ones go on. Absent ones and those in maintenance are left alone. */
  follow(service: string, { healthCheck, tls }: CheckSettings, records: Records): void {
    if (healthCheck === null) return this.end(service)
    const before = this.#services.get(service)
    const settings = { healthCheck, tls }
    const isSame = before !== undefined && isDeepStrictEqual(before.settings, settings)
    const checked = isSame ? before : { settings, checks: before?.checks ?? new Map<string, Check>() }
    this.#services.set(service, checked)
    for (const [id, check] of checked.checks) {
      const record = records.get(id)
      if (record !== undefined && isChecked(record)) continue
      forget(check)
      checked.checks.delete(id)
    }
    for (const [id, record] of records) {
      if (!isChecked(record)) continue
      const known = checked.checks.get(id)
      if (known === undefined) this.#begin(service, checked, id, record)
      else this.#goOn(checked, known, record, isSame)
    }
  }

  /** The service is gone, or is not checked any more. */
  end(service: string): void {
    for (const check of this.#services.get(service)?.checks.values() ?? []) forget(check)
    this.#services.delete(service)
    this.#options.prober.forget(service)
  }

  /**
   * Resolves when each endpoint of the service that is checked now has been judged once: a silence that we may have slept through says
   * nothing, and is asked about again.
   */
  async judgedOnce(service: string): Promise<void> {
    await Promise.all([...(this.#services.get(service)?.checks.values() ?? [])].map(({ judged }) => judged.promise))
  }

  isUnhealthy(service: string, id: string): boolean {
    return this.#check(service, id)?.verdict.state === 'unhealthy'
  }

  /** What the checks say now: null when they have said nothing yet, or are not made. */
  wordOn(service: string, id: string): { readonly isHealthy: boolean; readonly cause: string } | null {
    const check = this.#check(service, id)
    if (check === undefined || check.last === null || check.verdict.state === 'new') return null
    return { isHealthy: check.verdict.state === 'healthy', cause: check.last.cause }
  }

  close(): void {
    for (const service of this.#services.keys()) this.end(service)
    this.#options.prober.close()
  }

  #begin(service: string, checked: Checked, id: string, record: EndpointRecord): void {
    const check: Check = {
      service,
      record,
      verdict: unjudged,
      last: null,
      seen: look(record),
      spared: 0,
      isFirstPause: true,
      isRunning: false,
      judged: Promise.withResolvers(),
      cancel: () => {},
    }
    checked.checks.set(id, check)
    void this.#probe(checked, check)
  }

  /** Other settings ask anew: the verdict stands until they have answered. So does a word of the registry that has changed. */
  #goOn(checked: Checked, check: Check, record: EndpointRecord, hasSameSettings: boolean): void {
    const isNews = record.published.registry !== check.record.published.registry
    check.record = record
    // One pass of the new check brings it back; one failure of it does not take it out.
    if (!hasSameSettings) {
      const { state } = check.verdict
      check.verdict = { state, against: 0, hasPassed: state === 'healthy' }
    }
    if (hasSameSettings && !isNews) return
    check.cancel()
    if (!check.isRunning) void this.#probe(checked, check)
  }

  #due(check: Check): void {
    const checked = this.#services.get(check.service)
    if (checked === undefined) return
    const before = check.seen
    check.seen = look(check.record)
    // An answer's head moved the average, and none of the attempts failed.
    const isProven = check.seen.latencyMs !== before.latencyMs && check.seen.failures === before.failures
    if (check.verdict.state === 'healthy' && check.verdict.against === 0 && isProven && check.spared < maxSpared) {
      check.spared++
      return this.#plan(checked, check)
    }
    void this.#probe(checked, check)
  }

  async #probe({ settings }: Checked, check: Check): Promise<void> {
    check.spared = 0
    check.isRunning = true
    const target = targetOf(check.record, settings)
    const result = await this.#options.prober.check(check.service, target, () => this.#isCurrent(check))
    check.isRunning = false
    if (!this.#isCurrent(check)) return
    const now = this.#services.get(check.service) as Checked
    // What was asked before the settings changed answers another question.
    if (now.settings !== settings) return this.#probe(now, check)
    if (result.verdict !== 'unknown') this.#judge(check, result, settings.healthCheck)
    if (this.#isCurrent(check)) this.#plan(now, check)
  }

  #plan({ settings }: Checked, check: Check): void {
    const { clock, random } = this.#options
    const share = check.isFirstPause ? 0.5 + random() / 2 : 1 - jitterShare + 2 * jitterShare * random()
    check.isFirstPause = false
    check.cancel()
    check.cancel = clock.after(settings.healthCheck.intervalMs * share, () => this.#due(check))
  }

  #judge(check: Check, result: CheckResult, healthCheck: HealthCheck): void {
    const before = check.verdict
    check.last = result
    check.verdict = judge(before, result.verdict === 'passed', healthCheck)
    check.judged.resolve()
    const isUnhealthy = check.verdict.state === 'unhealthy'
    if (isUnhealthy === (before.state === 'unhealthy')) return
    const inRow = before.against + 1
    const times = inRow === 1 ? '' : ` ${inRow} times in a row`
    const cause = isUnhealthy ? `its health check failed${times}: ${result.cause}` : `its health check passed${times}`
    this.#options.onTurn({ service: check.service, id: check.record.published.id, isUnhealthy, cause })
  }

  #check(service: string, id: string): Check | undefined {
    return this.#services.get(service)?.checks.get(id)
  }

  #isCurrent(check: Check): boolean {
    return this.#check(check.service, check.record.published.id) === check
  }
}

function forget({ cancel, judged }: Check): void {
  cancel()
  judged.resolve()
}

function isChecked({ published }: EndpointRecord): boolean {
  return published.registry !== 'absent' && published.registry !== 'maintenance'
}

export function targetOf({ published }: EndpointRecord, settings: Checked['settings']): CheckTarget {
  const { host, hostName, port } = published
  return { host, hostName, port, check: settings.healthCheck, tls: settings.tls }
}

function look({ cell }: EndpointRecord): Check['seen'] {
  return { latencyMs: cell.latencyMs(), failures: cell.failures() }
}
