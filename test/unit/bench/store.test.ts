import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CaseResult } from '../../../bench/macro/result.ts'
import { keepResult, newestResults } from '../../../bench/macro/store.ts'
import { caseResult, measured } from './fixtures.ts'

function from(day: string, name: 'json' | 'tls' = 'json'): CaseResult {
  return caseResult([measured('nginx')], { case: name, startedAt: `${day}T12:00:00.000Z` })
}

describe('kept results', () => {
  let directory = ''
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'tidegate-results-'))))
  afterEach(() => rmSync(directory, { recursive: true }))

  it('are the newest of each case, in the order of the cases', () => {
    for (const day of ['2026-02-10', '2026-02-09', '2025-12-31']) keepResult(directory, from(day))
    keepResult(directory, from('2025-01-01', 'tls'))
    const kept = newestResults(directory).map((result) => [result.case, result.startedAt.slice(0, 10)])
    expect(kept).toEqual([
      ['json', '2026-02-10'],
      ['tls', '2025-01-01'],
    ])
  })

  it('come back as they were', () => {
    const result = from('2026-02-10')
    keepResult(directory, result)
    expect(newestResults(directory)).toEqual([result])
  })

  it('are not taken from files of another format, nor from other files', () => {
    writeFileSync(join(directory, '2030-01-01-json.json'), JSON.stringify({ case: 'json', rows: [] }))
    writeFileSync(join(directory, 'README.md'), '# Results')
    keepResult(directory, from('2026-02-10'))
    expect(newestResults(directory)).toHaveLength(1)
  })
})
