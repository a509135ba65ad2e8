import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Competitor, Work } from '../competitor.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * This checkout, from its sources, everything on that is on by default but the access log.
 *
 * @param nodeFlags for the Node that runs it
 */
export function tidegate(nodeFlags: readonly string[] = []): Competitor {
  return {
    name: 'tidegate',
    available: () => null,
    version: () => execFileSync('git', ['describe', '--always', '--dirty'], { cwd: checkout, encoding: 'utf8' }).trim(),
    start(work, launch) {
      // A module, not YAML: text files are read up to 4 MiB, which 100,000 instances come near.
      const file = join(work.directory, 'tidegate.config.mjs')
      writeFileSync(file, `export default ${JSON.stringify(configuration(work))}\n`)
      return launch(process.execPath, [...nodeFlags, join(checkout, 'src/cli.ts'), 'start', '-c', file])
    },
  }
}

function configuration({ port, prefixes, origins, accessLog }: Work) {
  const names = prefixes.map((_, index) => `service-${index}`)
  return {
    listeners: [{ name: 'edge', address: `127.0.0.1:${port}` }],
    admin: { address: '127.0.0.1:0' },
    workers: 1,
    log: { level: 'warn', access: accessLog },
    stateDir: null,
    discovery: { local: { type: 'static', services: Object.fromEntries(names.map((name) => [name, origins])) } },
    routes: prefixes.map((prefix, index) => ({ path: prefix === '' ? '/' : prefix, service: names[index] })),
    shutdown: { deadline: '2s' },
  }
}
