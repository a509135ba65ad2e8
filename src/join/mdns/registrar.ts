import { setTimeout as delay } from 'node:timers/promises'
import { isIP } from 'node:net'
import { isChosen, readInterfaces } from '../../discovery/mdns/interfaces.ts'
import { checkedByItself } from '../own-check.ts'
import { isLoopback } from '../own-host.ts'
import { RegisterError } from '../register-error.ts'
import type { Listed, Registrar, Standing } from '../registrar.ts'
import type { HealthReport, Registration } from '../registration.ts'
import type { MdnsPlace } from './place.ts'
import { type InstanceRecords, recordsOf } from './records.ts'
import { Responder } from './responder.ts'
import { openMdnsSource } from './source.ts'
import { leftOut } from './text.ts'

/** Readers that hear announcements and never ask, as go-micro's watchers, forget after 120 s. */
const announceEveryMs = 60_000
/** Readers let go of what said goodbye a second later (RFC 6762 section 10.1), and then make their lists. */
const goodbyeMs = 1000
const readersMs = 200
const repeatAfterMs = 250

/** Instances that this process announces on the local network, as long as it lives. */
export class MdnsRegistrar implements Registrar {
  readonly title: string
  readonly hosts: readonly string[] = []
  readonly makesChecks = false
  readonly #place: MdnsPlace
  readonly #responder: Responder
  /** Taken back by ourselves since their instance is not well. */
  readonly #out = new Set<string>()

  constructor(place: MdnsPlace) {
    this.#place = place
    this.title = `mDNS, domain ${place.domain}.`
    this.#responder = new Responder(place, Math.random)
  }

  warnings(registration: Registration): readonly string[] {
    const { name, host } = registration
    const found: string[] = checkedByItself(registration.check, 'mDNS')
    const isDnsSd = this.#place.domain === 'local'
    if (isDnsSd && !/^_[^.]+\._(?:tcp|udp)$/.test(name)) {
      found.push(
        `in the domain local. services have names such as _http._tcp: nobody but Tidegate will look for ${name}`,
      )
    }
    const lost = isDnsSd ? leftOut(registration) : []
    if (lost.length > 0) found.push(`the metadata ${lost.join(', ')} can't be announced: 255 bytes of ASCII at most`)
    if (!isDnsSd && isIP(host) === 0) found.push(`go-micro reads addresses only, not the host name ${host}`)
    return found
  }

  /** The first address of this machine on the interfaces that are used. */
  async ownHost(): Promise<string | null> {
    const addresses = readInterfaces()
      .filter((each) => isChosen(each, this.#place.interfaces))
      .map(({ address }) => address)
    return addresses.find((address) => !isLoopback(address)) ?? addresses[0] ?? null
  }

  async register(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<void> {
    const records = this.#recordsOf(registration)
    if (health.status === 'critical') return this.#takeOut(records)
    await this.#responder.announce(records, signal)
    this.#out.delete(records.name)
  }

  async renew(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<Standing> {
    const records = this.#recordsOf(registration)
    if (health.status === 'critical') {
      await this.#takeOut(records)
      return 'present'
    }
    if (!this.#out.has(records.name)) return this.#responder.standing(records, announceEveryMs)
    await this.register(registration, health, signal)
    return 'present'
  }

  async withdraw(registration: Registration, signal: AbortSignal): Promise<void> {
    const records = this.#recordsOf(registration)
    if (!this.#responder.has(records)) return
    await this.#responder.goodbye(records)
    await delay(repeatAfterMs, undefined, { signal })
    await this.#responder.repeatGoodbye(records)
    await delay(goodbyeMs - repeatAfterMs + readersMs, undefined, { signal })
  }

  async deregister(registration: Registration): Promise<void> {
    const records = this.#recordsOf(registration)
    await this.#responder.goodbye(records)
    this.#out.delete(records.name)
  }

  /** What a process that is gone had announced nobody tells any more. */
  async sweep(): Promise<readonly string[]> {
    return []
  }

  async list(name: string | null, signal: AbortSignal): Promise<readonly Listed[]> {
    if (name === null) throw new RegisterError('invalid', 'mDNS can be asked for one service at a time: name it')
    const source = openMdnsSource(this.#place, { random: Math.random, onSkipped: () => {} })
    try {
      for await (const { instances } of source.watch(name, signal)) {
        return instances.map(({ id, node, host, port, status, version }) => {
          return { service: name, id, node, host, port, status, version }
        })
      }
      return []
    } finally {
      await source.close()
    }
  }

  async remove({ id }: Listed): Promise<void> {
    const message = `${id} can be taken back only by whoever announces it; if that is gone, it is over within two minutes`
    throw new RegisterError('refused', message)
  }

  async close(): Promise<void> {
    await this.#responder.close()
  }

  #recordsOf(registration: Registration): InstanceRecords {
    return recordsOf(registration, this.#place.domain)
  }

  async #takeOut(records: InstanceRecords): Promise<void> {
    this.#out.add(records.name)
    await this.#responder.goodbye(records)
  }
}
