import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { CorpusCase } from './corpus.ts'

interface Row {
  readonly name: string
  readonly uri: string
  readonly method: string
  readonly version: string
  readonly headers: readonly { readonly name: string; readonly value: string | number | null }[] | null
  readonly expected: { readonly tier: string }
}

const wantedOf: Readonly<Record<string, CorpusCase['wanted']>> = {
  Compliant: 'forward',
  Acceptable: 'either',
  Ambiguous: 'either',
  Severe: 'refuse',
}

/** The cases of aws/http-desync-guardian: heads, without bodies. */
export function awsCases(directory: string): CorpusCase[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) =>
      (parse(readFileSync(join(directory, file), 'utf8')) as readonly Row[]).map((row): CorpusCase => {
        const wanted = wantedOf[row.expected.tier]
        if (wanted === undefined) throw new Error(`${file}: ${row.name} has the tier ${row.expected.tier}`)
        return { name: `${file}: ${row.name}`, from: 'client', bytes: bytesOf(row), wanted, messages: 1 }
      }),
    )
}

/** With Host and a body where the head asks for them. */
function bytesOf({ method, uri, version, ...row }: Row): string {
  const headers = row.headers ?? []
  const lines = headers.map(({ name, value }) => `${name}: ${value ?? ''}\r\n`)
  if (!headers.some(({ name }) => name.toLowerCase() === 'host')) lines.unshift('Host: a\r\n')
  const length = headers.find(({ name }) => name.toLowerCase() === 'content-length')?.value
  const isChunked = headers.some(({ name }) => /transfer.encoding/i.test(name))
  const body = isChunked ? '0\r\n\r\n' : 'x'.repeat(/^\s*\d{1,7}\s*$/.test(String(length)) ? Number(length) : 0)
  return `${method} ${uri} ${version}\r\n${lines.join('')}\r\n${body}`
}
