import { describe, expect, it, onTestFinished } from 'vitest'
import type { SkippedEntry } from '../../../src/discovery/contract.ts'
import { staticList } from '../../../src/discovery/static.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { watch } from '../../support/watching.ts'

const entry = { host: '10.0.0.1', port: 80, weight: 1, zone: '', version: '', tags: [], meta: {} }

function start(services: Record<string, (typeof entry)[]>, service: string) {
  const skipped: SkippedEntry[] = []
  const onSkipped = (each: SkippedEntry) => skipped.push(each)
  const discovery = staticList({ name: 'local', type: 'static', services }, { random: seededRandom(1), onSkipped })
  const watching = watch(discovery, service)
  onTestFinished(async () => watching.stop())
  return { watching, skipped }
}

describe('a static list', () => {
  it('makes passing instances in the order they are written in, named by their address', async () => {
    const ipv6 = { ...entry, host: '2001:db8::1', weight: 3 }
    const { watching } = start({ web: [ipv6, entry] }, 'web')
    expect(await watching.next()).toEqual({
      instances: [
        { ...ipv6, id: '[2001:db8::1]:80', node: '', status: 'passing' },
        { ...entry, id: '10.0.0.1:80', node: '', status: 'passing' },
      ],
      position: null,
      mayHaveForgotten: false,
    })
  })

  it('reports an address that is listed twice and uses it once', async () => {
    const { watching, skipped } = start({ web: [entry, { ...entry, weight: 2 }] }, 'web')
    expect((await watching.next())?.instances.map(({ weight }) => weight)).toEqual([1])
    expect(skipped).toEqual([{ service: 'web', entry: '10.0.0.1:80', reason: 'it is listed twice' }])
  })

  it('has no instances for a service named like a property every object has', async () => {
    const { watching } = start({ web: [entry] }, 'constructor')
    expect(await watching.next()).toMatchObject({ instances: [] })
  })
})
