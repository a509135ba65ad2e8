import type { HealthCheck } from '../core/health-check.ts'
import type { CheckResult, CheckTarget } from '../health/check-probe.ts'
import { judge, unjudged, type CheckVerdict } from '../health/check-verdict.ts'
import type { ConnectResult } from '../health/connect-probe.ts'
import type { Random } from '../util/random.ts'
import { AddressBook } from './address-book.ts'
import type { CheckProber } from './check-prober.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import { addressOf } from './identity.ts'
import type { Prober } from './prober.ts'

const probeEveryMs = 5000
/** Probes come at 90–110 % of their interval, so that what was held together is not probed together for ever. */
const jitterShare = 0.1

export interface HeldEndpoint {
  readonly service: string
  readonly id: string
  readonly host: string
  readonly port: number
  readonly holdMs: number
  readonly connectTimeoutMs: number
  /** How its service has endpoints checked now; null = a plain connect is all. */
  readonly checkTarget: () => CheckTarget | null
}

interface Hold {
  readonly endpoint: HeldEndpoint
  readonly endsAtMs: number
  /** Of the service's health check, where it has one. */
  verdict: CheckVerdict
  cancel: Cancel
}

export interface HoldsOptions {
  readonly clock: ControlClock
  readonly random: Random
  readonly prober: Prober
  readonly checks: Pick<CheckProber, 'check'>
  /** The hold is over; the endpoint is no longer kept against the registry's word. */
  readonly onRelease: (endpoint: HeldEndpoint, cause: string) => void
}

/**
 * Endpoints that are served although the registry does not list them (see `heldAfter` for when that begins). Each is probed
 * at once and every 5 s: by its service's health check, else by a plain connect. It is released when that fails, when another
 * service lists its address, or when its time is over. Of a health check the first failure counts, later ones as many in a
 * row as the service says; a refused connection always.
 */
export class Holds {
  readonly #options: HoldsOptions
  readonly #holds = new Map<string, Hold>()
  /** By `host:port`: a registry that forgot all has thousands of services answer, and thousands of endpoints held. */
  readonly #addresses = new AddressBook<Hold>()

  constructor(options: HoldsOptions) {
    this.#options = options
  }

  begin(endpoint: HeldEndpoint): void {
    const key = keyOf(endpoint.service, endpoint.id)
    if (this.#holds.has(key)) return
    const hold = {
      endpoint,
      endsAtMs: this.#options.clock.now() + endpoint.holdMs,
      verdict: unjudged,
      cancel: () => {},
    }
    this.#holds.set(key, hold)
    this.#addresses.add(hold, addressOf(endpoint))
    this.#probe(hold)
  }

  /** Without a word: the registry lists it again, or its service is gone. */
  end(service: string, id: string): void {
    const key = keyOf(service, id)
    const hold = this.#holds.get(key)
    if (hold === undefined) return
    hold.cancel()
    this.#holds.delete(key)
    this.#addresses.remove(hold, addressOf(hold.endpoint))
  }

  /** Another service lists instances at these places: held endpoints of others that have one of them are not what they were. */
  claim(isOwner: (service: string) => boolean, places: readonly Pick<HeldEndpoint, 'host' | 'port'>[]): void {
    if (this.#holds.size === 0) return
    for (const place of places) {
      for (const hold of this.#addresses.ownersOf(addressOf(place))) {
        if (!isOwner(hold.endpoint.service)) this.#release(hold, 'another service now lists its address')
      }
    }
  }

  close(): void {
    for (const hold of this.#holds.values()) hold.cancel()
    this.#holds.clear()
  }

  #probe(hold: Hold): void {
    const { service, host, port, connectTimeoutMs, checkTarget } = hold.endpoint
    const { prober, checks } = this.#options
    const target = checkTarget()
    if (target === null) {
      void prober.connect(host, port, connectTimeoutMs).then((result) => this.#probed(hold, result))
    } else {
      const isWanted = () => this.#isCurrent(hold)
      void checks.check(service, target, isWanted).then((result) => this.#checked(hold, result, target.check))
    }
  }

  #checked(hold: Hold, { verdict, cause }: CheckResult, check: HealthCheck): void {
    if (!this.#isCurrent(hold)) return
    if (verdict === 'refused') return this.#release(hold, 'it refuses connections')
    if (verdict !== 'unknown') hold.verdict = judge(hold.verdict, verdict === 'passed', check)
    if (hold.verdict.state === 'unhealthy') return this.#release(hold, `its health check fails: ${cause}`)
    this.#probeLater(hold)
  }

  #probed(hold: Hold, result: ConnectResult): void {
    if (!this.#isCurrent(hold)) return
    if (result === 'refused') return this.#release(hold, 'it refuses connections')
    if (result === 'failed') return this.#release(hold, 'it no longer accepts connections')
    this.#probeLater(hold)
  }

  #probeLater(hold: Hold): void {
    const { clock, random } = this.#options
    const delayMs = probeEveryMs * (1 - jitterShare + 2 * jitterShare * random())
    const leftMs = hold.endsAtMs - clock.now()
    hold.cancel =
      leftMs > delayMs
        ? clock.after(delayMs, () => this.#probe(hold))
        : clock.after(Math.max(0, leftMs), () => this.#release(hold, 'the registry has not listed it for too long'))
  }

  #release(hold: Hold, cause: string): void {
    const { service, id } = hold.endpoint
    this.end(service, id)
    this.#options.onRelease(hold.endpoint, cause)
  }

  #isCurrent(hold: Hold): boolean {
    return this.#holds.get(keyOf(hold.endpoint.service, hold.endpoint.id)) === hold
  }
}

function keyOf(service: string, id: string): string {
  return `${service}\n${id}`
}
