import { describe, expect, it, onTestFinished } from 'vitest'
import type { Instance } from '../../src/core/instance.ts'
import { DiscoveryError, type Answer, type Discovery } from '../../src/discovery/contract.ts'
import { watch as startWatch, type Watching } from '../support/watching.ts'

/** An instance as the suite asks a registry to list it. */
export interface Registration {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly weight?: number
  readonly warningWeight?: number
  readonly tags?: readonly string[]
  readonly meta?: Readonly<Record<string, string>>
}

/** A running registry and a source that reads it. */
export interface DiscoveryStage {
  readonly discovery: Discovery
  /** Another source of the same registry. */
  readonly open: () => Discovery
  /** Adds or replaces one instance, passing. */
  readonly register: (service: string, registration: Registration) => Promise<void>
  readonly report: (service: string, id: string, status: 'passing' | 'warning' | 'critical') => Promise<void>
  readonly maintain: (service: string, id: string, isOn: boolean) => Promise<void>
  readonly deregister: (service: string, id: string) => Promise<void>
  /** The registry goes away with all it knows. */
  readonly stop: () => Promise<void>
  /** It is back where it was, empty. */
  readonly restart: () => Promise<void>
}

export interface DiscoverySubject {
  readonly name: string
  readonly stage: () => DiscoveryStage
  /** Behaviours that do not apply, by title, with the reason. */
  readonly gaps: Readonly<Record<string, string>>
}

type Scene = DiscoveryStage & {
  /** A name no other test uses. */
  readonly service: string
  readonly watch: (service: string) => Watching
}

const ids = ({ instances }: Answer) => instances.map(({ id }) => id)
const only = ({ instances }: Answer): Partial<Instance> => (instances.length === 1 ? instances[0]! : {})
const web1: Registration = { id: 'web-1', host: '10.0.0.1', port: 8001 }
const web2: Registration = { id: 'web-2', host: '10.0.0.2', port: 8002 }

const behaviours: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'lists what the registry says of an instance': async ({ service, register, watch }) => {
    const meta = { version: '1.2.0', zone: 'a', team: 'x' }
    await register(service, { ...web1, weight: 3, tags: ['blue', 'v1'], meta })
    const answer = await watch(service).until((seen) => seen.instances.length > 0)
    expect(only(answer)).toMatchObject({
      host: '10.0.0.1',
      port: 8001,
      weight: 3,
      zone: 'a',
      version: '1.2.0',
      tags: ['blue', 'v1'],
      meta,
      status: 'passing',
    })
    expect(answer.mayHaveForgotten).toBe(false)
  },

  'answers with an empty list for a service nobody knows': async ({ service, watch }) => {
    expect(await watch(service).next()).toMatchObject({ instances: [], mayHaveForgotten: false })
  },

  'yields the whole list again when an instance appears': async ({ service, register, watch }) => {
    const watching = watch(service)
    await watching.next()
    await register(service, web1)
    await watching.until((answer) => ids(answer).join() === 'web-1')
    await register(service, web2)
    await watching.until((answer) => ids(answer).join() === 'web-1,web-2')
  },

  'lists the same instances in the same order, whenever they came': async ({ service, register, watch }) => {
    await register(service, web2)
    await register(service, web1)
    await watch(service).until((answer) => ids(answer).join() === 'web-1,web-2')
  },

  'follows address, port, weight, tags and metadata of an instance': async ({ service, register, watch }) => {
    await register(service, web1)
    const watching = watch(service)
    await watching.until((answer) => only(answer).port === 8001)
    await register(service, { ...web1, host: '10.0.0.9', port: 8009 })
    await watching.until((answer) => only(answer).host === '10.0.0.9' && only(answer).port === 8009)
    await register(service, { ...web1, weight: 7 })
    await watching.until((answer) => only(answer).weight === 7)
    await register(service, { ...web1, tags: ['green'] })
    await watching.until((answer) => only(answer).tags?.[0] === 'green')
    await register(service, { ...web1, meta: { version: '2' } })
    await watching.until((answer) => only(answer).version === '2' && only(answer).weight === 1)
  },

  'takes IPv6 addresses and host names': async ({ service, register, watch }) => {
    await register(service, { ...web1, host: '2001:db8::1' })
    await register(service, { ...web2, host: 'web-2.example.com' })
    const answer = await watch(service).until((seen) => seen.instances.length === 2)
    expect(answer.instances.map(({ host }) => host)).toEqual(['2001:db8::1', 'web-2.example.com'])
  },

  'keeps an instance that turns critical in the list, and says so': async ({ service, register, report, watch }) => {
    await register(service, web1)
    const watching = watch(service)
    await watching.until((answer) => only(answer).status === 'passing')
    await report(service, 'web-1', 'critical')
    await watching.until((answer) => only(answer).status === 'critical')
    await report(service, 'web-1', 'passing')
    await watching.until((answer) => only(answer).status === 'passing')
  },

  'weighs an instance that warns as it asked for': async ({ service, register, report, watch }) => {
    await register(service, { ...web1, weight: 10, warningWeight: 2 })
    const watching = watch(service)
    await watching.until((answer) => only(answer).weight === 10)
    await report(service, 'web-1', 'warning')
    await watching.until((answer) => only(answer).status === 'warning' && only(answer).weight === 2)
  },

  'tells maintenance from failure': async ({ service, register, report, maintain, watch }) => {
    await register(service, web1)
    const watching = watch(service)
    await watching.until((answer) => only(answer).status === 'passing')
    await maintain(service, 'web-1', true)
    await watching.until((answer) => only(answer).status === 'maintenance')
    await report(service, 'web-1', 'critical')
    await maintain(service, 'web-1', false)
    await watching.until((answer) => only(answer).status === 'critical')
  },

  'leaves out an instance that has left, down to none': async ({ service, register, deregister, watch }) => {
    await register(service, web1)
    await register(service, web2)
    const watching = watch(service)
    await watching.until((answer) => answer.instances.length === 2)
    await deregister(service, 'web-1')
    await watching.until((answer) => ids(answer).join() === 'web-2')
    await deregister(service, 'web-2')
    const answer = await watching.until((seen) => seen.instances.length === 0)
    expect(answer.mayHaveForgotten).toBe(false)
  },

  'gives every watch of a service all its answers': async ({ service, register, watch }) => {
    await register(service, web1)
    const both = [watch(service), watch(service)]
    for (const watching of both) await watching.until((answer) => ids(answer).join() === 'web-1')
    await register(service, web2)
    for (const watching of both) await watching.until((answer) => ids(answer).join() === 'web-1,web-2')
  },

  'does not mix services up': async ({ service, register, deregister, watch }) => {
    const other = `${service}-other`
    await register(service, web1)
    await register(other, { ...web2, id: `${other}-2` })
    const [watching, otherWatching] = [watch(service), watch(other)]
    await watching.until((answer) => ids(answer).join() === 'web-1')
    await otherWatching.until((answer) => ids(answer).join() === `${other}-2`)
    await deregister(service, 'web-1')
    await watching.until((answer) => answer.instances.length === 0)
    await register(other, { ...web2, id: `${other}-3`, port: 8003 })
    await otherWatching.until((answer) => ids(answer).join() === `${other}-2,${other}-3`)
  },

  'ends a watch without an error when its signal aborts': async ({ service, watch, discovery }) => {
    const watching = watch(service)
    await watching.next()
    await watching.stop()
    const aborted = discovery.watch(service, AbortSignal.abort())[Symbol.asyncIterator]()
    expect(await aborted.next()).toEqual({ done: true, value: undefined })
  },

  'ends a watch that waits for its first answer when its signal aborts': async ({ service, watch }) => {
    const watching = watch(service)
    const first = watching.next()
    await watching.stop()
    await first
  },

  'ends running watches when it is closed': async ({ service, open }) => {
    const discovery = open()
    const watching = startWatch(discovery, service)
    await watching.next()
    const end = watching.next()
    await discovery.close()
    expect(await end).toBeNull()
  },

  'takes the loss of the registry for an error, and a new watch for a new start': async (scene) => {
    const { service, register, stop, restart, watch } = scene
    await register(service, web1)
    const watching = watch(service)
    await watching.until((answer) => ids(answer).join() === 'web-1')
    const failure = watching.until(() => false).catch((error: unknown) => error)
    await stop()
    expect(await failure).toBeInstanceOf(DiscoveryError)
    const refused = await watch(service)
      .next()
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })

    await restart()
    const again = watch(service)
    expect(await again.next()).toMatchObject({ instances: [] })
    await register(service, web2)
    await again.until((answer) => ids(answer).join() === 'web-2')
  },
}

/** Checks the promises of Discovery on one registry: a test for each behaviour that applies. */
export function discoveryConformance({ name, stage, gaps }: DiscoverySubject): void {
  const applicable = Object.entries(behaviours).filter(([title]) => !Object.hasOwn(gaps, title))

  describe.each([name])('%s', () => {
    it.each(applicable)('%s', async (title, behave) => {
      const { discovery } = stage()
      const watch = (service: string) => {
        const watching = startWatch(discovery, service)
        onTestFinished(async () => watching.stop().catch(() => {}))
        return watching
      }
      const service = `web-${applicable.findIndex(([other]) => other === title)}`
      await expect(behave({ ...stage(), service, watch })).resolves.toBeUndefined()
    })

    it('leaves out only behaviours that exist, for a reason', () => {
      expect(Object.keys(behaviours)).toEqual(expect.arrayContaining(Object.keys(gaps)))
      expect(Object.values(gaps).every((reason) => reason.length > 20)).toBe(true)
    })
  })
}
