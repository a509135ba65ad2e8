import { parseArgs } from 'node:util'
import { UsageError } from '../macro/options.ts'
import { type EdgeName, edgeNames } from './edges/index.ts'
import type { Fault } from './fault.ts'
import { faultNames, faults } from './faults/index.ts'

export interface Options {
  readonly faults: readonly Fault[]
  /** In place of each fault's own; null. */
  readonly seconds: number | null
  readonly times: number | null
  readonly ratePerSecond: number | null
  readonly engine: 'fast' | 'standard'
  /** Beside Tidegate, under the faults that concern them too. */
  readonly against: readonly EdgeName[]
  readonly writes: boolean
  readonly asksForHelp: boolean
}

export const usage = `npm run chaos -- [options]
  --fault NAMES    comma-separated, default all: ${faultNames.join(', ')}
  --seconds N      how long each lasts; default each fault's own, 10 to 300
  --times N        how often it strikes meanwhile, where it strikes often
  --rate N         requests per second; default half of what the world is found to answer
  --engine NAME    fast (default) or standard
  --against NAMES  nginx, haproxy: the same beside them, for the faults that concern them
  --write          keep the results in bench/results: chaos.json, chaos.md
`

export function parseOptions(args: readonly string[]): Options {
  const values = parse(args)
  const { engine } = values
  if (engine !== 'fast' && engine !== 'standard') throw new UsageError('--engine takes fast or standard')
  return {
    faults: values.fault === undefined ? faults : values.fault.split(',').map(faultNamed),
    seconds: positive('--seconds', values.seconds),
    times: positive('--times', values.times),
    ratePerSecond: positive('--rate', values.rate),
    engine,
    against: values.against === undefined ? [] : values.against.split(',').map(edgeNamed),
    writes: values.write,
    asksForHelp: values.help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        fault: { type: 'string' },
        seconds: { type: 'string' },
        times: { type: 'string' },
        rate: { type: 'string' },
        engine: { type: 'string', default: 'fast' },
        against: { type: 'string' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function faultNamed(name: string): Fault {
  const found = faults.find((fault) => fault.name === name)
  if (found === undefined)
    throw new UsageError(`there is no fault ${JSON.stringify(name)}; there are: ${faultNames.join(', ')}`)
  return found
}

function edgeNamed(name: string): EdgeName {
  const found = edgeNames.find((edge) => edge === name && edge !== 'tidegate')
  if (found === undefined) throw new UsageError(`--against takes nginx and haproxy, not ${JSON.stringify(name)}`)
  return found
}

function positive(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`${option} takes a whole number from 1`)
  return Number(text)
}
