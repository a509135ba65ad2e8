import { formats } from '../../discovery/etcd/formats/index.ts'
import { type KeySpace, keySpace } from '../../discovery/etcd/key-space.ts'
import { checkedByItself } from '../own-check.ts'
import { defaults } from '../read-options.ts'
import { RegisterError } from '../register-error.ts'
import type { Listed, Registrar, Standing } from '../registrar.ts'
import type { HealthReport, Registration } from '../registration.ts'
import type { Part, ValueFormat } from './formats/contract.ts'
import { valueFormats } from './formats/index.ts'
import type { EtcdPlace } from './place.ts'
import { EtcdStore, type Stored } from './store.ts'

/** etcd raises less to one and a half of its election timeout, in whole seconds. */
const minTtlMs = 2000

/** Instances as keys with a lease, which their heartbeats keep alive: whoever dies is gone with it. */
export class EtcdRegistrar implements Registrar {
  readonly title: string
  readonly hosts: readonly string[]
  readonly makesChecks = false
  readonly #store: EtcdStore
  readonly #keys: KeySpace
  readonly #formatName: keyof typeof formats
  readonly #format: ValueFormat
  /** Keys deleted by ourselves since their instance is not well. */
  readonly #out = new Set<string>()

  constructor(place: EtcdPlace) {
    const { hosts, prefix, format } = place
    this.title = `etcd at ${hosts.join(',')}`
    this.hosts = hosts
    this.#store = new EtcdStore(place, Math.random)
    this.#keys = keySpace(prefix)
    this.#formatName = format ?? 'auto'
    this.#format = valueFormats[format ?? 'json']
  }

  warnings(registration: Registration): readonly string[] {
    const { check } = registration
    const found: string[] = checkedByItself(check, 'etcd')
    if (check.type === 'ttl' && check.ttlMs < minTtlMs) found.push(`etcd raises a ttl of ${check.ttlMs}ms to 2s`)
    else if (check.type === 'ttl' && check.ttlMs % 1000 !== 0) {
      found.push(`etcd counts in whole seconds: the ttl of ${check.ttlMs / 1000}s becomes ${ttlSeconds(registration)}s`)
    }
    for (const part of partsOf(registration)) {
      if (!this.#format.carries.includes(part)) {
        found.push(`the format ${this.#formatName} has no word for \`${part}\`: nobody will see it`)
      }
    }
    return found
  }

  async ownHost(): Promise<null> {
    return null
  }

  async register(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(registration)
    const value = this.#valueOf(registration, health)
    if (value === null) return this.#takeOut(key, registration, signal)
    // One that was there before keeps its lease, and is over by itself.
    const lease = await this.#store.grant(ttlSeconds(registration), signal)
    await this.#store.put({ key, value, lease }, signal)
    this.#out.delete(key)
  }

  async renew(registration: Registration, health: HealthReport, signal: AbortSignal): Promise<Standing> {
    const key = this.#keyOf(registration)
    const value = this.#valueOf(registration, health)
    const found = await this.#store.get(key, signal)
    if (value === null) {
      if (found !== null) await this.#takeOut(key, registration, signal)
      return 'present'
    }
    if (found === null) {
      if (!this.#out.has(key)) return 'missing'
      await this.register(registration, health, signal)
      return 'present'
    }
    if (found.lease === null || !this.#isOwn(found, registration)) return 'altered'
    // Its health has changed.
    if (found.value !== value && !(await this.#store.rewrite(key, value, signal))) return 'missing'
    return (await this.#store.keepAlive(found.lease, signal)) ? 'present' : 'missing'
  }

  async withdraw(registration: Registration, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(registration)
    const value = this.#format.writeOut?.(registration) ?? null
    if (value === null) await this.#takeOut(key, registration, signal)
    // Not there: nobody can choose it.
    else if (!(await this.#store.rewrite(key, value, signal))) return
    const shown = await this.#store.get(key, signal)
    if (shown === null || shown.value === value) return
    throw new RegisterError('failed', `${key} was written by somebody else while ${registration.id} left ${this.title}`)
  }

  async deregister(registration: Registration, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(registration)
    await this.#takeOut(key, registration, signal)
    this.#out.delete(key)
  }

  async sweep(registration: Registration, signal: AbortSignal): Promise<readonly string[]> {
    const { host, port } = registration
    const own = this.#keyOf(registration)
    const stored = await this.#store.list(this.#keys.of(this.#serviceOf(registration)), signal)
    const stale = stored.filter((each) => {
      return each.key !== own && this.#listed(each).some((entry) => entry.host === host && entry.port === port)
    })
    // Their leases may hold other keys, too, and are over by themselves.
    for (const { key } of stale) await this.#store.delete(key, signal)
    return stale.flatMap((each) => this.#listed(each)).map(({ id }) => id)
  }

  async list(name: string | null, signal: AbortSignal): Promise<readonly Listed[]> {
    const range = name === null ? this.#keys.everything : this.#keys.of(name)
    const listed = (await this.#store.list(range, signal)).flatMap((each) => this.#listed(each))
    return name === null ? listed : listed.filter(({ service }) => service === name)
  }

  async remove({ service, id }: Listed, signal: AbortSignal): Promise<void> {
    await this.#store.delete(this.#keys.keyOf({ service, id }), signal)
  }

  async close(): Promise<void> {
    this.#store.close()
  }

  #serviceOf({ name }: Registration): string {
    return this.#format.serviceInKey?.(name) ?? name
  }

  /** A slash would end the service's part of the key. */
  #keyOf(registration: Registration): string {
    const id = registration.id.replaceAll('/', '-')
    return this.#keys.keyOf({ service: this.#serviceOf(registration), id })
  }

  /** Null where the key is not to be there. */
  #valueOf(registration: Registration, { status }: HealthReport): string | null {
    if (status !== 'critical') return this.#format.write(registration)
    return this.#format.writeOut?.(registration) ?? null
  }

  #isOwn({ value }: Stored, registration: Registration): boolean {
    return value === this.#format.write(registration) || value === this.#format.writeOut?.(registration)
  }

  async #takeOut(key: string, registration: Registration, signal: AbortSignal): Promise<void> {
    const found = await this.#store.delete(key, signal)
    this.#out.add(key)
    // Somebody else's may hold other keys.
    if (found?.lease != null && this.#isOwn(found, registration)) await this.#store.revoke(found.lease, signal)
  }

  /** What a key says, by its own last part; nothing where it can't be read. */
  #listed({ key, value }: Stored): readonly Listed[] {
    const place = this.#keys.place(key)
    if (place === null) return []
    const reading = formats[this.#formatName](value, place.id)
    if (typeof reading === 'string') return []
    return reading.map(({ host, port, version, weight, status }) => {
      return { ...place, node: '', host, port, version, status: weight === 0 ? 'maintenance' : status }
    })
  }
}

/** Of a lease. A check that this process makes has the heartbeats of the default. */
function ttlSeconds({ check }: Registration): number {
  return Math.ceil((check.type === 'ttl' ? check.ttlMs : defaults.ttlMs) / 1000)
}

function partsOf({ weight, tags, meta }: Registration): readonly Part[] {
  const said = { weight: weight !== null, tags: tags.length > 0, meta: Object.keys(meta).length > 0 }
  return (Object.keys(said) as Part[]).filter((part) => said[part])
}
