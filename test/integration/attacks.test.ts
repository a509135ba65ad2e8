import { posix } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { knownDifferences } from '../conformance/engine/differences.ts'
import { type CollectedTest, collectedTests } from '../support/collected-tests.ts'
import { attacks } from './attacks/index.ts'

const rows = Object.values(attacks).flat()
const fileOf = (name: string): string => `${posix.join('test/integration', name)}.test.ts`
const files = new Set(rows.flatMap(({ shownBy }) => shownBy.map(([name]) => fileOf(name))))
/** Whose tests run over both engines, with the known differences. */
const conformance = ['test/conformance/engine.test.ts', 'test/conformance/engine-differential.test.ts']

let tests: Record<string, readonly CollectedTest[]>
beforeAll(async () => {
  tests = await collectedTests([...files, ...conformance])
})

/** What is wrong with a name for tests of a file, if anything: it has to be in titles of tests that are run, all of them. */
function faultOf(name: string, of: readonly CollectedTest[]): string | null {
  const named = of.filter(({ title }) => title.includes(name))
  if (named.length === 0) return `no test is called ${name}`
  const skipped = named.find(({ isRun }) => !isRun)
  return skipped === undefined ? null : `skipped: ${skipped.title}`
}

describe.each(Object.entries(attacks))('%s', (_group, group) => {
  test.each(group)('$input: its tests are there, and not skipped', ({ shownBy }) => {
    expect(shownBy.length).toBeGreaterThan(0)
    for (const [file, ...names] of shownBy) {
      expect(names.length).toBeGreaterThan(0)
      const faults = names.map((name) => faultOf(name, tests[fileOf(file)] ?? []))
      expect({ file, faults: faults.filter((fault) => fault !== null) }).toEqual({ file, faults: [] })
    }
  })
})

const isOf = (title: string, name: string): boolean => title === name || title.endsWith(` > ${name}`)
const isOver = (title: string, name: string): boolean =>
  !title.startsWith('engine: ') || title.startsWith(`engine: ${name} > `)

test.each(knownDifferences)('$engine: $difference: its tests are there, and not skipped', ({ engine, cases }) => {
  const all = Object.values(tests).flat()
  for (const name of cases) {
    const named = all.filter(({ title }) => isOf(title, name) && isOver(title, engine))
    expect({ engine, name, runs: named.map(({ isRun }) => isRun) }).toEqual({
      engine,
      name,
      runs: expect.arrayContaining([true]) as boolean[],
    })
    expect(named.filter(({ isRun }) => !isRun)).toEqual([])
  }
})
