import { beforeAll, describe, expect, test } from 'vitest'
import { faultNames } from '../../bench/chaos/faults/index.ts'
import { type CollectedTest, collectedTests } from '../support/collected-tests.ts'
import { faultRows } from './faults/index.ts'

const rows = Object.values(faultRows).flat()
const fileOf = (name: string): string => `test/${name}.test.ts`

let tests: Record<string, readonly CollectedTest[]>
beforeAll(async () => {
  const files = new Set(rows.flatMap(({ tests: shown = [] }) => shown.map(([name]) => fileOf(name))))
  tests = await collectedTests([...files])
})

describe.each(Object.entries(faultRows))('%s', (_group, group) => {
  test.each(group)('$number, $fault: its tests and chaos faults are there, and not skipped', (row) => {
    const { chaos = [], tests: shown = [] } = row
    expect(chaos.length + shown.length).toBeGreaterThan(0)
    expect(chaos.filter((name) => !faultNames.includes(name))).toEqual([])
    for (const [file, ...names] of shown) {
      expect(names.length).toBeGreaterThan(0)
      for (const name of names) {
        const named = (tests[fileOf(file)] ?? []).filter(({ title }) => title.includes(name))
        expect({ file, name, runs: named.map(({ isRun }) => isRun) }).toEqual({
          file,
          name,
          runs: expect.arrayContaining([true]) as boolean[],
        })
        expect(named.filter(({ isRun }) => !isRun)).toEqual([])
      }
    }
  })
})

test('each chaos fault is in the table, each row once', () => {
  const named = new Set(rows.flatMap(({ chaos = [] }) => chaos))
  // Overload is no fault of anybody's; docs/guides/overload.md has it.
  expect(faultNames.filter((name) => !named.has(name))).toEqual(['overloaded', 'overloaded-limited'])
  const numbers = rows.map(({ number }) => number)
  expect(new Set(numbers).size).toBe(numbers.length)
})
