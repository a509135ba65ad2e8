import { parseArgs } from 'node:util'
import { cases, type CaseName, isCaseName } from './cases.ts'
import { competitorNames } from './competitors/index.ts'

export interface Options {
  readonly cases: readonly CaseName[]
  readonly competitors: readonly string[]
  readonly rounds: number
  readonly seconds: number
  /** Folder of another checkout to measure beside this one; null for none. */
  readonly against: string | null
  readonly writesReadme: boolean
  readonly profiles: boolean
  readonly asksForHelp: boolean
}

export const usage = `npm run bench -- [options]
  --case NAMES     comma-separated, default json; all, or: ${Object.keys(cases).join(', ')}
                   (connections selects connections-1 and connections-512, tls-handshake both of its kind)
  --only NAMES     comma-separated, default every one that is installed: ${competitorNames.join(', ')}
  --rounds N       default 5
  --seconds N      per competitor and round, default 4
  --against DIR    another checkout of tidegate too, with its own node_modules: before and after in one run
  --write          keep the results in bench/results, and put them into README.md and bench/results/README.md
  --profile        a CPU profile of tidegate alone instead of a comparison
`

/** An option that can't be followed; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function parseOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  if (values.write && values.against !== undefined)
    throw new UsageError('--write publishes figures of this checkout only')
  return {
    cases: selectCases(values.case),
    competitors: values.only === undefined ? competitorNames : selectCompetitors(values.only),
    rounds: positiveInteger('--rounds', values.rounds),
    seconds: positiveInteger('--seconds', values.seconds),
    against: values.against ?? null,
    writesReadme: values.write,
    profiles: values.profile,
    asksForHelp: values.help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        case: { type: 'string', default: 'json' },
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '4' },
        against: { type: 'string' },
        write: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function selectCases(text: string): CaseName[] {
  const all = Object.keys(cases) as CaseName[]
  if (text === 'all') return all
  const selected = text.split(',').flatMap((name) => {
    const found = isCaseName(name) ? [name] : all.filter((key) => key.startsWith(`${name}-`))
    if (found.length === 0) throw new UsageError(`there is no case ${JSON.stringify(name)}`)
    return found
  })
  return [...new Set(selected)]
}

function selectCompetitors(text: string): string[] {
  const wanted = text.split(',')
  const unknown = wanted.find((name) => !competitorNames.includes(name))
  if (unknown !== undefined) throw new UsageError(`there is no competitor ${JSON.stringify(unknown)}`)
  return competitorNames.filter((name) => wanted.includes(name))
}

function positiveInteger(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`${option} takes a whole number from 1 to 9999`)
  return Number(text)
}
