import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pages } from '../../../scripts/docs/pages.ts'

describe('generated files', () => {
  test.each(pages.map((page) => ({ ...page, name: relative(process.cwd(), page.file) })))(
    '$name is what `npm run docs` writes',
    ({ file, render }) => {
      expect(readFileSync(file, 'utf8')).toBe(render())
    },
  )
})
