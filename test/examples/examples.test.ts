import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url).pathname
const list = readFileSync(join(root, 'examples/README.md'), 'utf8')
const rows = [...list.matchAll(/^\| \[([\w-]+)\]\(\1\) \| .+ \| `(.+)` \|$/gm)].map(([, folder = '', test = '']) => {
  return { folder, test }
})

describe('examples/README.md', () => {
  it('lists every example', () => {
    const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(rows.map(({ folder }) => folder).toSorted()).toEqual(folders.map(({ name }) => name).toSorted())
  })

  it.each(rows)('names a test for $folder that is there, and the example says what it is', ({ folder, test }) => {
    expect(existsSync(join(root, test))).toBe(true)
    expect(readFileSync(join(root, 'examples', folder, 'README.md'), 'utf8')).toMatch(/^# /)
  })

  it.each(rows)('links only to what is there, in $folder', ({ folder }) => {
    const at = join(root, 'examples', folder)
    const links = readFileSync(join(at, 'README.md'), 'utf8').matchAll(/\]\((?!http)([^)#]+)/g)
    const broken = [...links].map(([, link = '']) => link).filter((link) => !existsSync(join(at, link)))
    expect(broken).toEqual([])
  })
})
