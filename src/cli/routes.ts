import { loadConfig } from '../config/load.ts'
import type { RouteRule } from '../core/route.ts'
import { adminOptions, askAdmin } from './admin-client.ts'
import type { Command } from './commands.ts'
import { printTable } from './table.ts'
import { readArgs } from './usage.ts'

export const routes: Command = {
  usage: '[-c FILE | --admin URL]',
  summary: 'list the routes of a running gateway, or of a file',
  async run(args) {
    const { values } = readArgs({ args, options: { ...adminOptions, config: { type: 'string', short: 'c' } } })
    const rules =
      values.config === undefined
        ? (await askAdmin<{ routes: RouteRule[] }>('/api/v1/routes', values)).routes
        : (await loadConfig(values.config)).config.routes
    const rows = rules.map((rule) => [rule.host ?? '*', rule.path, conditionsOf(rule), rule.service, rule.id])
    printTable(['host', 'path', 'conditions', 'service', 'route'], rows)
    return 0
  },
}

function conditionsOf({ methods, headers }: RouteRule): string {
  const parts = [
    ...(methods === null ? [] : [methods.join('|')]),
    ...headers.map(({ name, value }) => `${name}=${value}`),
  ]
  return parts.join(' ') || '-'
}
