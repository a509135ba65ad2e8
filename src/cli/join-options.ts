import type { ParseArgsConfig } from 'node:util'
import type { CheckInput, RegisterOptions } from '../join/register-options.ts'
import { readNumber, UsageError } from './usage.ts'

/** The flags of commands that write into a registry. */
export const joinFlags = {
  name: { type: 'string' },
  port: { type: 'string' },
  registry: { type: 'string' },
  id: { type: 'string' },
  address: { type: 'string' },
  check: { type: 'string' },
  interval: { type: 'string' },
  tag: { type: 'string', multiple: true },
  meta: { type: 'string', multiple: true },
  weight: { type: 'string' },
  version: { type: 'string' },
  zone: { type: 'string' },
  'deregister-after': { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>

/** What `parseArgs` makes of them. */
export type JoinValues = {
  readonly [Flag in keyof typeof joinFlags]?: (typeof joinFlags)[Flag] extends { readonly multiple: true }
    ? string[]
    : string
}

/** @throws UsageError where one is missing or makes no sense */
export function readJoinOptions(values: JoinValues, command: string): RegisterOptions {
  const { name, port, registry, id, address, version, zone, weight, tag: tags, meta } = values
  const after = values['deregister-after']
  if (name === undefined || port === undefined) throw new UsageError(`${command} needs --name NAME and --port PORT`)
  return {
    name,
    port: readNumber('port', port, 65_535),
    ...given({ registry, id, address, version, zone, tags }),
    ...(weight !== undefined && { weight: readNumber('weight', weight, 65_535) }),
    ...(meta !== undefined && { meta: Object.fromEntries(meta.map(keyAndValue)) }),
    ...(after !== undefined && { deregisterAfter: after === 'never' ? null : after }),
  }
}

/** `http:/health`, `http:URL`, `tcp`, `tcp:HOST:PORT`, `grpc`, `grpc:SERVICE`, `ttl` or `ttl:15s`. */
export function readCheck({ check, interval }: JoinValues): CheckInput | null {
  if (check === undefined) return null
  const colon = check.indexOf(':')
  const kind = colon === -1 ? check : check.slice(0, colon)
  const rest = colon === -1 ? null : check.slice(colon + 1)
  const times = interval === undefined ? {} : { interval }
  if (kind === 'ttl') return { ttl: rest ?? '15s' }
  if (kind === 'tcp') return { tcp: rest ?? true, ...times }
  if (kind === 'grpc') return { grpc: rest ?? true, ...times }
  if (kind === 'http' && rest !== null) return { http: rest, ...times }
  throw new UsageError(`--check takes http:/health, tcp, grpc or ttl, not ${JSON.stringify(check)}`)
}

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--meta takes KEY=VALUE, not ${JSON.stringify(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function given<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
