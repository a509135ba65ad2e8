import type { RegisterOptions } from '../join/register-options.ts'
import { type OwnCheck, askProgram } from '../join/run/watch-health.ts'
import { runProgram } from '../join/run/run-program.ts'
import { parseDurationMs } from '../util/duration.ts'
import type { Command } from './commands.ts'
import { joinFlags, readCheck, readJoinOptions, type JoinValues } from './join-options.ts'
import { readArgs, UsageError } from './usage.ts'

export const run: Command = {
  usage: '--name S --port P [--check http:/health|tcp|ttl] [--registry URL] [--watch-health] … -- CMD ARGS',
  summary:
    'run a program of any language as an instance of a service: registers it once its port is open, lets it leave in order',
  async run(args) {
    const split = args.indexOf('--')
    const [command, ...rest] = split === -1 ? [] : args.slice(split + 1)
    if (command === undefined) throw new UsageError('run needs the program after `--`')
    const { values } = readArgs({
      args: args.slice(0, split),
      options: {
        ...joinFlags,
        'watch-health': { type: 'boolean', default: false },
        settle: { type: 'string' },
        wait: { type: 'string', default: '60s' },
        'kill-after': { type: 'string', default: '25s' },
      },
    })
    return runProgram({
      command,
      args: rest,
      registration: {
        ...readJoinOptions(values, 'run'),
        ...checkOf(values, values['watch-health']),
        ...(values.settle !== undefined && { settle: values.settle }),
      },
      waitMs: readDuration('wait', values.wait),
      killAfterMs: readDuration('kill-after', values['kill-after']),
    })
  },
}

/** With `--watch-health` this process asks the program, and the registry gets to know by heartbeats. */
function checkOf(values: JoinValues, isWatched: boolean): Pick<RegisterOptions, 'check' | 'health'> {
  const check = readCheck(values)
  if (!isWatched) return check === null ? {} : { check }
  const port = Number(values.port)
  const own: OwnCheck | null =
    check !== null && 'http' in check && check.http.startsWith('/')
      ? { path: check.http }
      : check !== null && 'tcp' in check
        ? 'tcp'
        : null
  if (own === null) throw new UsageError('--watch-health needs --check http:/PATH or --check tcp')
  return { check: { ttl: '15s' }, health: { report: () => askProgram(own, port) } }
}

function readDuration(flag: string, text: string): number {
  const ms = parseDurationMs(text)
  if (ms === null) throw new UsageError(`--${flag} takes a time such as "25s", not ${JSON.stringify(text)}`)
  return ms
}
