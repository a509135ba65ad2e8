import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlProblem } from '../../../src/control/problem.ts'
import { decodeState, encodeState, type SavedService } from '../../../src/control/state-format.ts'
import { StateStore } from '../../../src/control/state-store.ts'
import { FakeClock, until } from './fake-clock.ts'
import { instance } from './scripted-watch.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidegate-state-'))
})
afterEach(() => rm(root, { recursive: true }))

function saved(service: string, overrides: Partial<SavedService> = {}): SavedService {
  return {
    service,
    source: 'consul',
    registryName: service,
    position: 42,
    savedAtMs: 1_767_225_600_000,
    instances: [instance('a-1', { tags: ['x'], meta: { k: 'ü' } }), instance('b-2', { status: 'critical' })],
    held: ['consul/n1/a-1@10.0.0.1:9001'],
    others: [{ source: 'etcd', registryName: service, position: null, instances: [instance('c-3')], held: [] }],
    ...overrides,
  }
}

function setUp(dir = join(root, 'not', 'there', 'yet')) {
  const clock = new FakeClock()
  const problems: ControlProblem[] = []
  const store = new StateStore({ dir, clock, onProblem: (problem) => problems.push(problem) })
  return { dir, clock, problems, store }
}

/** The one file in a directory. */
async function onlyFile(dir: string): Promise<string> {
  const [name = ''] = await readdir(dir)
  return join(dir, name)
}

describe('the state of services on disk', () => {
  it('comes back as it was saved, in a directory that it made', async () => {
    const { dir, store, problems } = setUp()
    store.save(saved('users'))
    await store.close()
    expect(setUp(dir).store.load('users')).toMatchObject(saved('users'))
    expect(problems).toEqual([])
  })

  it('is unknown for a service that was never saved, without a problem', () => {
    const { store, problems } = setUp()
    expect([store.load('users'), problems]).toEqual([null, []])
  })

  it('keeps services apart by any name', async () => {
    const names = ['users', 'Users', '../users', 'a/b', 'a_b', '', '名前', 'x'.repeat(500), 'nul\0', '..']
    const { dir, store } = setUp(root)
    for (const name of names) store.save(saved(name))
    await store.close()
    const { store: next } = setUp(dir)
    expect(names.map((name) => next.load(name)?.service)).toEqual(names)
    expect(await readdir(root)).toHaveLength(names.length)
  })

  it('is written at most once a second, with what was saved last', async () => {
    const { dir, clock, store } = setUp(root)
    store.save(saved('users', { position: 1 }))
    await clock.advance(0)
    await until(() => setUp(dir).store.load('users') !== null)
    store.save(saved('users', { position: 2 }))
    store.save(saved('users', { position: 3 }))
    await until(() => clock.timers > 0)
    await clock.advance(999)
    expect(setUp(dir).store.load('users')?.position).toBe(1)
    await clock.advance(1)
    await until(() => setUp(dir).store.load('users')?.position !== 1)
    expect(setUp(dir).store.load('users')?.position).toBe(3)
    await store.close()
  })

  it('is removed with its service', async () => {
    const { dir, store } = setUp()
    store.save(saved('users'))
    await store.close()
    const { store: next } = setUp(dir)
    next.remove('users')
    next.remove('never-saved')
    await next.close()
    expect(await readdir(dir)).toEqual([])
  })

  it.each<[string, (text: string) => string, string]>([
    ['torn', (text) => text.slice(0, -20), 'it is not whole JSON'],
    ['empty', () => '', 'it is not whole JSON'],
    ['of something else', () => '{"some":"thing"}', 'it is not a state file of this program'],
    ['with an impossible port', (text) => text.replace('9001', '70000'), 'it is not a state file of this program'],
    ['with half a port', (text) => text.replace('9001', '900.5'), 'it is not a state file of this program'],
    ['with no address', (text) => text.replace('10.0.0.1"', 'nowhere"'), 'it is not a state file of this program'],
    [
      'of a later version',
      (text) => text.replace('"version":1', '"version":2'),
      'a later version of this program wrote it',
    ],
    [
      'with a bad list of another source',
      (text) => text.replace('9003', '0'),
      'it is not a state file of this program',
    ],
    ['of another service', (text) => text.replace('"users"', '"orders"'), 'it is not a state file of this program'],
  ])('is ignored and put aside when its file is %s', async (_, damage, why) => {
    const { dir, store } = setUp()
    store.save(saved('users'))
    await store.close()
    const file = await onlyFile(dir)
    const text = damage(await readFile(file, 'utf8'))
    await writeFile(file, text)
    const { store: next, problems } = setUp(dir)
    expect(next.load('users')).toBeNull()
    expect(problems).toEqual([{ place: file, message: `ignored: ${why}; kept as ${file}.unusable` }])
    expect(await readFile(`${file}.unusable`, 'utf8')).toBe(text)
    expect(existsSync(file)).toBe(false)
  })

  it('tells of a disk that takes nothing once, goes on, and writes when it can again', async () => {
    const dir = join(root, 'state')
    await writeFile(dir, 'a file where the directory should be')
    const { clock, store, problems } = setUp(dir)
    store.save(saved('users'))
    await clock.advance(0)
    await until(() => problems.length > 0)
    await clock.advance(5000)
    await rm(dir)
    await mkdir(dir)
    await store.close()
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining("can't be written")])
    expect(setUp(dir).store.load('users')?.service).toBe('users')
  })

  it('leaves nothing half-written beside its files', async () => {
    const { dir, store } = setUp()
    for (let i = 0; i < 5; i++) store.save(saved(`s${i}`))
    await store.close()
    expect((await readdir(dir)).every((name) => name.endsWith('.json'))).toBe(true)
  })
})

describe('the format of a state file', () => {
  it('is read as written by a version that knew of one source only', () => {
    const { others, ...one } = saved('users')
    expect(others).toHaveLength(1)
    expect(decodeState(encodeState(one))).toMatchObject(one)
  })

  it('is never taken for good when it is not', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(['torn', 'alien']).toContain(decodeState(text))
      }),
    )
  })

  it('is not whole when any end of it is missing', () => {
    const text = encodeState(saved('users'))
    for (let length = 0; length < text.length; length++) expect(decodeState(text.slice(0, length))).toBe('torn')
  })
})
