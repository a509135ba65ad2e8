import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ConfigError } from '../../../src/config/finding.ts'
import { parseConfig } from '../../../src/config/parse.ts'

/** A configuration, and either all findings as text or a part of what it is once defaults are filled in. */
interface Golden {
  readonly title: string
  readonly env?: Record<string, string>
  readonly config: string
  readonly findings?: string[]
  readonly normalized?: Record<string, unknown>
}

const folder = new URL('../../golden/', import.meta.url)
const goldens = readdirSync(folder).map((file) => {
  const golden = parse(readFileSync(new URL(file, folder), 'utf8')) as Golden
  return { ...golden, title: `${golden.title} (${basename(file)})` }
})

async function outcomeOf({ config, env = {} }: Golden) {
  try {
    return { config: (await parseConfig(config, { file: 'tidegate.yaml', env })).config, findings: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { config: null, findings: error.message.split('\n') }
  }
}

describe('golden configurations', () => {
  test.each(goldens.filter(({ findings }) => findings !== undefined))('$title', async (golden) => {
    expect((await outcomeOf(golden)).findings).toEqual(golden.findings)
  })

  test.each(goldens.filter(({ normalized }) => normalized !== undefined))('$title', async (golden) => {
    const outcome = await outcomeOf(golden)
    expect(outcome.findings).toEqual([])
    expect(outcome.config).toMatchObject(golden.normalized as Record<string, unknown>)
  })

  test('every file expects something', () => {
    const silent = goldens.filter(({ findings, normalized }) => (findings === undefined) === (normalized === undefined))
    expect(silent).toEqual([])
  })
})
