import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { attacks } from './attacks/index.ts'

/** Where a table of attacks finds its tests. */
function sourceOf(file: string): string {
  const paths = ['.test.ts', '.ts'].map((ending) => fileURLToPath(new URL(`./${file}${ending}`, import.meta.url)))
  const path = paths.find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error(`there is no test file ${file}`)
  return readFileSync(path, 'utf8')
}

describe.each(Object.entries(attacks))('%s', (_group, rows) => {
  test.each(rows)('$input: its tests are there', ({ shownBy }) => {
    expect(shownBy.length).toBeGreaterThan(0)
    for (const [file, ...words] of shownBy) {
      const source = sourceOf(file)
      expect(words.length).toBeGreaterThan(0)
      expect({ file, missing: words.filter((word) => !source.includes(word)) }).toEqual({ file, missing: [] })
    }
  })
})
