import { describe, expect, it } from 'vitest'
import type { Instance } from '../../src/core/instance.ts'
import type { Answer, Discovery } from '../../src/discovery/contract.ts'
import { type JoinEvent, type Joined, register, type RegisterOptions } from '../../src/register.ts'
import { watch as startWatch, type Watching } from '../support/watching.ts'

/** A running registry that instances join. */
export interface RegistrarStage {
  /** For `register`. */
  readonly url: string
  /** A source that reads the registry, as a gateway does. */
  readonly discovery: Discovery
  /** Removes an entry behind its owner's back. */
  readonly remove: (service: string, id: string) => Promise<void>
  /** Writes an entry of the same id with another port. */
  readonly alter: (service: string, id: string) => Promise<void>
  /** The registry goes away with all it knows, and is back where it was, empty. */
  readonly restart: () => Promise<void>
}

export interface RegistrarSubject {
  readonly name: string
  readonly stage: () => RegistrarStage
  /** Behaviours that do not apply, by title, with the reason. */
  readonly gaps: Readonly<Record<string, string>>
  /** Tests need not wait for each other: none restarts what others use, and most of each is waiting. */
  readonly isConcurrent?: boolean
}

interface Scene extends RegistrarStage {
  /** A name no other test uses. */
  readonly service: string
  readonly watching: Watching
  /** Joins with a heartbeat of a third of a second. */
  readonly join: (options?: Partial<RegisterOptions>) => Promise<Joined>
  readonly events: Events
}

const only = ({ instances }: Answer): Partial<Instance> => (instances.length === 1 ? instances[0]! : {})
/** One that may be chosen; a weight of 0 is a registry's way to say that it may not. */
const isListed = (answer: Answer): boolean => only(answer).status === 'passing' && only(answer).weight !== 0
const isEmpty = ({ instances }: Answer): boolean => instances.length === 0

/** Whether a watch that begins now finds the instance; false where it fails. */
async function isFound(discovery: Discovery, service: string): Promise<boolean> {
  const watching = startWatch(discovery, service)
  try {
    await watching.until(isListed)
    await watching.stop()
    return true
  } catch {
    return false
  }
}

const behaviours: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'an instance is listed with all that it says of itself': async ({ join, watching }) => {
    await join({ version: '2.1', zone: 'a', weight: 7, meta: { team: 'x' } })
    const listed = only(await watching.until(isListed))
    expect(listed).toMatchObject({ id: 'one', host: '127.0.0.1', port: 8001, weight: 7, version: '2.1', zone: 'a' })
    expect(listed.meta).toMatchObject({ team: 'x', version: '2.1', zone: 'a' })
  },

  'it is listed as soon as it has joined': async ({ join, discovery, service }) => {
    await join()
    const watching = startWatch(discovery, service)
    expect(isListed((await watching.next())!)).toBe(true)
    await watching.stop()
  },

  'the same instance joins again, and is one': async ({ join, watching }) => {
    await join()
    await join({ port: 8002 })
    await watching.until((answer) => only(answer).port === 8002 && isListed(answer))
  },

  'two instances are two': async ({ join, watching }) => {
    await join()
    await join({ id: 'two', port: 8002 })
    await watching.until(({ instances }) => instances.map(({ id }) => id).join() === 'one,two')
  },

  'an entry that somebody removed is back with the next heartbeat': async (scene) => {
    const { join, watching, remove, events, discovery, service } = scene
    await join()
    await watching.until(isListed)
    await remove(service, 'one')
    await events.until('repaired')
    expect(await isFound(discovery, service)).toBe(true)
  },

  'an entry that somebody changed is mended with the next heartbeat': async (scene) => {
    const { join, watching, alter, events, discovery, service } = scene
    await join()
    await watching.until(isListed)
    await alter(service, 'one')
    // It may be mended before anybody has read what it was meanwhile.
    await events.until('repaired')
    const later = startWatch(discovery, service)
    await later.until((answer) => isListed(answer) && only(answer).port === 8001)
    await later.stop()
  },

  'an entry that is as it should be is left as it is': async ({ join, events }) => {
    let beats = 0
    const third = Promise.withResolvers<void>()
    const report = () => {
      if (++beats === 4) third.resolve()
      return { status: 'passing', note: '' } as const
    }
    await join({ health: { report } })
    // The report is asked for at the begin of a heartbeat: with the fourth, three are done.
    await third.promise
    expect(events.types).toEqual(['registered'])
  },

  'a registry that restarted empty has it back, and says so': async ({ join, restart, events, discovery, service }) => {
    await join()
    await restart()
    // A watch does not retry: one on a connection from before fails.
    while (!(await isFound(discovery, service)));
    expect(await events.until('repaired')).toMatchObject({ id: 'one' })
  },

  'leaving, it is out of choice before it is gone': async ({ join, watching, events }) => {
    const joined = await join()
    await watching.until(isListed)
    const left = joined.leave()
    // Where the registry has no word for it, out of choice is gone.
    const out = await watching.until((answer) => !isListed(answer))
    if (!isEmpty(out)) await watching.until(isEmpty)
    await left
    expect(joined.state).toBe('left')
    expect(events.types).toEqual(['registered', 'withdrawn', 'deregistered'])
  },

  'what has left does not come back': async ({ join, discovery, service, watching }) => {
    const joined = await join()
    const other = await join({ id: 'two', port: 8002 })
    await joined.leave()
    await joined.leave()
    // Two whole heartbeats of the other.
    for (let beat = 0; beat < 2; beat++) other.reportNow()
    await watching.until(({ instances }) => instances.map(({ id }) => id).join() === 'two')
    const later = startWatch(discovery, service)
    expect((await later.next())?.instances.map(({ id }) => id)).toEqual(['two'])
    await later.stop()
  },

  'what an earlier process left at the same place is swept away': async ({ join, watching, events }) => {
    // Too far apart for its heartbeats to bring it back: an earlier process is none that lives on.
    const old = await join({ id: 'old', check: { ttl: '1h' } })
    await watching.until(isListed)
    await join({ id: 'new' })
    await watching.until((answer) => only(answer).id === 'new')
    expect(await events.until('swept')).toMatchObject({ id: 'new' })
    await old.leave()
  },

  'its health is what it says with each heartbeat': async ({ join, watching }) => {
    let status: 'passing' | 'critical' = 'passing'
    const joined = await join({ health: { report: () => ({ status, note: '' }) } })
    await watching.until(isListed)
    status = 'critical'
    joined.reportNow()
    await watching.until((answer) => !isListed(answer))
    status = 'passing'
    joined.reportNow()
    await watching.until(isListed)
  },

  'it leaves when its signal aborts': async ({ join, watching }) => {
    const abort = new AbortController()
    await join({ signal: abort.signal })
    await watching.until(isListed)
    abort.abort()
    await watching.until(isEmpty)
  },
}

/** Checks the promises of joining on one registry: a test for each behaviour that applies. */
export function registrarConformance({ name, stage, gaps, isConcurrent = false }: RegistrarSubject): void {
  const applicable = Object.entries(behaviours).filter(([title]) => !Object.hasOwn(gaps, title))

  describe.each([name])('%s', () => {
    it.for(applicable)('%s', { concurrent: isConcurrent }, async ([title, behave], { onTestFinished }) => {
      const current = stage()
      const service = `service-${applicable.findIndex(([other]) => other === title)}`
      const events = new Events()
      const watching = startWatch(current.discovery, service)
      onTestFinished(async () => watching.stop().catch(() => {}))
      const join = async (options: Partial<RegisterOptions> = {}): Promise<Joined> => {
        const joined = await register({
          name: service,
          id: 'one',
          port: 8001,
          address: '127.0.0.1',
          registry: current.url,
          check: { ttl: '1s' },
          settle: 0,
          leaveOn: [],
          onEvent: events.add,
          ...options,
        })
        onTestFinished(() => joined.leave())
        return joined
      }
      await expect(behave({ ...current, service, watching, join, events })).resolves.toBeUndefined()
    })

    it('leaves out only behaviours that exist, for a reason', () => {
      expect(Object.keys(behaviours)).toEqual(expect.arrayContaining(Object.keys(gaps)))
      expect(Object.values(gaps).every((reason) => reason.length > 20)).toBe(true)
    })
  })
}

/** What was told, to be awaited. */
class Events {
  readonly #seen: JoinEvent[] = []
  readonly #waiting = new Map<JoinEvent['type'], (event: JoinEvent) => void>()
  readonly add = (event: JoinEvent): void => {
    this.#seen.push(event)
    this.#waiting.get(event.type)?.(event)
  }

  /** Without warnings: what a registry does otherwise with a registration is its own. */
  get types(): JoinEvent['type'][] {
    return this.#seen.map(({ type }) => type).filter((type) => type !== 'warning')
  }

  /** The first of this type, once it was told. */
  until(type: JoinEvent['type']): Promise<JoinEvent> {
    const seen = this.#seen.find((event) => event.type === type)
    return seen === undefined ? new Promise((resolve) => this.#waiting.set(type, resolve)) : Promise.resolve(seen)
  }
}
