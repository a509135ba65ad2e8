import { describe, expect, test } from 'vitest'
import { renderFailuresPage } from '../../../scripts/docs/failures-page.ts'
import { renderMetricsPage } from '../../../scripts/docs/metrics-page.ts'
import { failures } from '../../../src/core/failure.ts'
import { families } from '../../../src/observe/families.ts'

/** Cells of the rows of a page's table, without its head. */
function rows(page: string): string[][] {
  const lines = page.split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

describe('reference pages', () => {
  test('have one row per metric family', () => {
    const names = rows(renderMetricsPage()).map(([name, type]) => [name, type])
    expect(names).toEqual(families.map(({ name, type }) => [`\`${name}\``, type]))
  })

  test('have one row per failure', () => {
    const names = rows(renderFailuresPage()).map(([name, status]) => [name, status])
    expect(names).toEqual(Object.entries(failures).map(([name, { status }]) => [`\`${name}\``, String(status)]))
  })

  test('have as many cells in every row', () => {
    expect(new Set(rows(renderMetricsPage()).map(({ length }) => length))).toEqual(new Set([4]))
    expect(new Set(rows(renderFailuresPage()).map(({ length }) => length))).toEqual(new Set([6]))
  })
})
