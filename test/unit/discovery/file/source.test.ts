import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readInstanceFile } from '../../../../src/config/instance-file.ts'
import { type Answer, DiscoveryError, type SkippedEntry } from '../../../../src/discovery/contract.ts'
import type { ReadInstanceFile } from '../../../../src/discovery/file/instance-file.ts'
import { fileSource } from '../../../../src/discovery/file/source.ts'
import { seededRandom } from '../../../../src/util/random.ts'
import { watch } from '../../../support/watching.ts'

let folder = ''
let file = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-file-'))
  file = join(folder, 'instances.yaml')
})
afterEach(() => rm(folder, { recursive: true }))

function open(path = file, readInstances: ReadInstanceFile = readInstanceFile) {
  const skipped: SkippedEntry[] = []
  const discovery = fileSource(
    { name: 'list', type: 'file', path },
    { random: seededRandom(1), onSkipped: (entry) => skipped.push(entry), readInstances },
    { settleMs: 10 },
  )
  onTestFinished(() => discovery.close())
  return { discovery, skipped, watching: watch(discovery, 'web') }
}

/** Aside, then over it, as a program should. */
async function replace(text: string, path = file): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}~`, text)
  await rename(`${path}~`, path)
}

const ids = (answer: Answer | null) => answer?.instances.map(({ id }) => id)
const failureOf = (next: Promise<unknown>) => next.then(() => null).catch((error: unknown) => error)

describe('a file of instances', () => {
  it('is followed as it is replaced, however that is done', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80"]')
    const { watching, discovery } = open()
    expect(ids(await watching.next())).toEqual(['10.0.0.1:80'])
    await replace('web: ["10.0.0.2:80"]')
    expect(ids(await watching.next())).toEqual(['10.0.0.2:80'])
    await writeFile(file, 'web: ["10.0.0.3:80"]')
    const isThird = (answer: Answer) => ids(answer)?.[0] === '10.0.0.3:80'
    // Emptied first, then written: whoever reads it between the two watches again, as the control plane does.
    const third = await watching.until(isThird).catch(async (error: unknown) => {
      if (!(error instanceof DiscoveryError) || error.code !== 'unreadable') throw error
      return watch(discovery, 'web').until(isThird)
    })
    expect(ids(third)).toEqual(['10.0.0.3:80'])
  })

  it('is followed as Kubernetes swaps a ConfigMap', async () => {
    await replace('web: ["10.0.0.1:80"]', join(folder, '..1', 'instances.yaml'))
    await replace('web: ["10.0.0.2:80"]', join(folder, '..2', 'instances.yaml'))
    await symlink('..1', join(folder, '..data'))
    await symlink('..data/instances.yaml', file)
    const { watching } = open()
    expect(ids(await watching.next())).toEqual(['10.0.0.1:80'])
    await symlink('..2', join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    expect(ids(await watching.next())).toEqual(['10.0.0.2:80'])
  })

  it('is an error when it goes, and a list at once when it is back', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80"]')
    const { watching, discovery } = open()
    await watching.next()
    const failure = failureOf(watching.next())
    await rm(file)
    expect(await failure).toMatchObject({ name: 'DiscoveryError', code: 'unreachable' })
    await replace('web: ["10.0.0.1:80"]')
    expect(ids(await watch(discovery, 'web').next())).toEqual(['10.0.0.1:80'])
  })

  it.each([
    ['is half-written', 'web: ["10.0.0.1:80"', /instances\.yaml:1:\d+: /],
    ['was emptied', '', /instances\.yaml:1:1: expected lists of instances/],
    ['lists nothing that can be used', 'web: ["10.0.0.1"]', /instances\.yaml lists nothing for web that can be used/],
  ])('is an error where it %s, with the place', async (_, text, message) => {
    await writeFile(file, 'web: ["10.0.0.1:80"]')
    const { watching } = open()
    await watching.next()
    const failure = failureOf(watching.next())
    await replace(text)
    expect(await failure).toMatchObject({ code: 'unreadable', message: expect.stringMatching(message) })
  })

  it('tells one that comes back after an error nothing until the file is another, and then at once', async () => {
    await writeFile(file, 'web: [')
    const { discovery } = open()
    const { signal } = new AbortController()
    const first = discovery.watch('web', signal)[Symbol.asyncIterator]()
    await expect(first.next()).rejects.toMatchObject({ code: 'unreadable' })
    const second = discovery.watch('web', signal)[Symbol.asyncIterator]()
    const answer = second.next()
    await replace('web: ["10.0.0.1:80"]')
    expect((await answer).value).toMatchObject({ instances: [{ id: '10.0.0.1:80' }] })
  })

  it('leaves out and reports a bad entry, once, and keeps its neighbours', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80", "10.0.0.2", "10.0.0.1:80"]')
    const { watching, skipped } = open()
    expect(ids(await watching.next())).toEqual(['10.0.0.1:80'])
    await replace('web: ["10.0.0.1:80", "10.0.0.2", "10.0.0.3:80"]')
    expect(ids(await watching.next())).toEqual(['10.0.0.1:80', '10.0.0.3:80'])
    expect(skipped).toEqual([
      { service: 'web', entry: `${file}:1:22 web[1]`, reason: expect.stringContaining('expected host:port') },
      { service: 'web', entry: '10.0.0.1:80', reason: 'it is listed twice' },
    ])
  })

  it('is read again where it was written meanwhile: a part of it may look whole', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80"]\n')
    let readings = 0
    const { watching } = open(file, async (path) => {
      const reading = await readInstanceFile(path)
      if (++readings === 1) await appendFile(file, 'orders: ["10.0.0.2:80"]\n')
      else if (readings === 2) await replace('web: ["10.0.0.1:80", "10.0.0.3:80"]')
      return reading
    })
    expect(ids(await watching.next())).toEqual(['10.0.0.1:80', '10.0.0.3:80'])
  })

  it('is followed while it is replaced without end', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80"]')
    const { watching } = open()
    await watching.next()
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const writing = (async () => {
      // Longer each time, so that no two are alike.
      for (let rest = 'x'; !stop.signal.aborted; rest += 'x') await replace(`web: ["10.0.0.2:80"] # ${rest}`)
    })()
    const next = await watching.next()
    stop.abort()
    await writing
    expect(ids(next)).toEqual(['10.0.0.2:80'])
  })

  it('says nothing to a service whose list another change leaves as it is', async () => {
    await writeFile(file, 'web: ["10.0.0.1:80"]')
    const { watching, discovery } = open()
    await watching.next()
    const other = watch(discovery, 'orders')
    await other.next()
    await replace('web: ["10.0.0.1:80"]\norders: ["10.0.0.2:80"]')
    expect(ids(await other.next())).toEqual(['10.0.0.2:80'])
    await replace('web: []\norders: ["10.0.0.2:80"]')
    expect(ids(await watching.next())).toEqual([])
  })
})
