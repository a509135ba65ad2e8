import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cases, type CaseName } from './cases.ts'
import { type CaseResult, resultFormat } from './result.ts'

/** `2026-01-31-json.json`: its day, and the case. */
const fileName = /^(\d{4}-\d\d-\d\d)-(.+)\.json$/

/** Writes a result to a file named after its day and case, over one of the same day; returns its path. */
export function keepResult(directory: string, result: CaseResult): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${result.startedAt.slice(0, 10)}-${result.case}.json`)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}

/** The newest result of each case, in the order of the cases. Files of another format are left out. */
export function newestResults(directory: string): CaseResult[] {
  const newest = new Map<string, CaseResult>()
  // Names begin with the day: later ones come later.
  for (const name of readdirSync(directory).toSorted()) {
    const [, , caseName] = fileName.exec(name) ?? []
    if (caseName === undefined) continue
    const result = JSON.parse(readFileSync(join(directory, name), 'utf8')) as Partial<CaseResult>
    if (result.format === resultFormat) newest.set(caseName, result as CaseResult)
  }
  return (Object.keys(cases) as CaseName[]).flatMap((name) => newest.get(name) ?? [])
}
