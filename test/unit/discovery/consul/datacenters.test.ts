import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Discovery, Listing, SkippedEntry } from '../../../../src/discovery/contract.ts'
import { Datacenters } from '../../../../src/discovery/consul/datacenters.ts'
import { watch } from '../../../support/watching.ts'
import { answer, instance, ScriptedDiscovery } from '../../control/scripted-watch.ts'

function stage() {
  const near = new ScriptedDiscovery()
  const far = new ScriptedDiscovery()
  const skipped: SkippedEntry[] = []
  const both = new Datacenters(
    [
      { name: 'near', discovery: near },
      { name: 'far', discovery: far },
    ],
    { random: () => 0.5, onSkipped: (entry) => skipped.push(entry) },
  )
  const watching = watch(both, 'web')
  onTestFinished(async () => watching.stop())
  return { near: near.of('web'), far: far.of('web'), skipped, watching, both }
}

const a = instance('a-1')
const b = instance('b-2')
const placed = (list: readonly object[] | undefined) =>
  (list as readonly ReturnType<typeof instance>[] | undefined)?.map(({ id, node, tier }) => `${id} ${node} ${tier}`)

const listing = (entries: [string, string[]][]): Discovery => ({
  watch: () => {
    throw new TypeError('nobody asked')
  },
  async *list(signal): AsyncGenerator<Listing, void, void> {
    yield new Map(entries)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  },
  close: () => Promise.resolve(),
})

describe('several datacenters', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('are one list, once all have spoken, in which each instance knows its place', async () => {
    const { near, far, watching } = stage()
    const first = watching.next()
    far.says(answer([b]))
    near.says(answer([a]))
    const heard = await first
    expect(placed(heard?.instances)).toEqual(['a-1 n1.near 0', 'b-2 n1.far 1'])
    expect(heard).toMatchObject({ position: null, mayHaveForgotten: false })
  })

  it('do not wait for one that fails, and say that its instances may be missing', async () => {
    const { near, far, watching, skipped } = stage()
    const first = watching.next()
    far.fails('no path')
    near.says(answer([a]))
    expect(await first).toMatchObject({ instances: [{ id: 'a-1' }], mayHaveForgotten: true })
    expect(skipped).toEqual([{ service: 'web', entry: 'datacenter far', reason: 'no path; its last list stays' }])
    near.says(answer([]))
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: false })
  })

  it('do not wait long for one that is silent', async () => {
    const { near, watching } = stage()
    const first = watching.next()
    near.says(answer([a]))
    await vi.advanceTimersByTimeAsync(2000)
    expect(await first).toMatchObject({ instances: [{ id: 'a-1' }], mayHaveForgotten: true })
  })

  it('keep the last list of one that fails, and doubt its first word after that', async () => {
    const { near, far, watching } = stage()
    near.says(answer([a]))
    far.says(answer([b]))
    await watching.next()
    far.fails()
    near.says(answer([]))
    expect(await watching.next()).toMatchObject({ instances: [{ id: 'b-2' }], mayHaveForgotten: false })
    far.says(answer([]))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: true })
  })

  it('are not told of one again and again that answers at once and then fails', async () => {
    const { near, far, watching, skipped } = stage()
    const first = watching.next()
    near.says(answer([a]))
    far.says(answer([b]))
    await first
    for (let times = 1; times <= 5; times++) {
      const next = watching.next()
      far.fails('no path')
      await vi.advanceTimersByTimeAsync(10_000)
      far.says(answer([instance(`b-${times}`)]))
      expect((await next)?.mayHaveForgotten).toBe(true)
    }
    expect(skipped).toHaveLength(1)
  })

  it('fail together only', async () => {
    const { near, far, watching } = stage()
    const first = watching.next()
    near.fails('one')
    far.fails('other')
    await expect(first).rejects.toThrow(/one|other/)
  })

  it('list the services of all', async () => {
    const both = new Datacenters(
      [
        { name: 'near', discovery: listing([['web', ['x']]]) },
        {
          name: 'far',
          discovery: listing([
            ['web', ['y']],
            ['api', []],
          ]),
        },
      ],
      { random: () => 0.5, onSkipped: () => {} },
    )
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const listings = both.list(stop.signal)
    expect((await listings.next()).value).toEqual(
      new Map([
        ['web', ['x', 'y']],
        ['api', []],
      ]),
    )
  })
})
