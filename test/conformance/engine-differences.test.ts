import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { knownDifferences } from './engine/differences.ts'

const guide = readFileSync(new URL('../../docs/guides/operate.md', import.meta.url), 'utf8')

test('the guide lists the known differences of the standard engine, and no others', () => {
  const [, list = ''] = /What differs:\n((?:- .*\n(?: {2}.*\n)*)+)/.exec(guide) ?? []
  const listed = list
    .split(/^- /m)
    .slice(1)
    .map((item) => item.trim().replaceAll(/\s+/g, ' ').replace(/[;.]$/, ''))
  expect(listed).toEqual(knownDifferences.map(({ difference }) => difference))
})
