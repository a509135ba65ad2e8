import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { pages } from './docs/pages.ts'

// Writes every generated page. Tests fail when one of them is not up to date.
for (const { file, render } of pages) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, render())
  console.log(relative(process.cwd(), file))
}
