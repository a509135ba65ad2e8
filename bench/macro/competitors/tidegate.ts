import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Competitor, Work } from '../competitor.ts'
import { nameOfCheckout } from '../ratios.ts'

const ownCheckout = fileURLToPath(new URL('../../..', import.meta.url))

export interface TidegateOptions {
  readonly name?: string
  readonly engine?: 'fast' | 'standard'
  /** Folder with its sources and its node_modules; default this one. */
  readonly checkout?: string
  /** For the Node that runs it. */
  readonly nodeFlags?: readonly string[]
}

/** A checkout, from its sources, everything on that is on by default but the access log. */
export function tidegate({
  name = 'tidegate',
  engine = 'fast',
  checkout = ownCheckout,
  nodeFlags = [],
}: TidegateOptions = {}): Competitor {
  return {
    name,
    available: () => null,
    version: () => describe(checkout),
    start(work, launch) {
      // A module, not YAML: text files are read up to 4 MiB, which 100,000 instances come near.
      const file = join(work.directory, 'tidegate.config.mjs')
      writeFileSync(file, `export default ${JSON.stringify(configuration(work, engine))}\n`)
      return launch(process.execPath, [...nodeFlags, join(checkout, 'src/cli.ts'), 'start', '-c', file])
    },
  }
}

/** Another checkout, to be measured beside this one; its name says which. Throws when the folder is none. */
export function otherCheckout(folder: string): Competitor {
  const { checkout } = checkoutOf(folder)
  return { ...tidegate({ name: nameOfCheckout(describe(checkout)), checkout }), version: () => '' }
}

/** The folder of a checkout, absolute; this one where none is given. Throws when it can't be started from. */
export function checkoutOf(folder: string | undefined): { readonly checkout: string } {
  if (folder === undefined) return { checkout: ownCheckout }
  const checkout = resolve(folder)
  if (!existsSync(join(checkout, 'src/cli.ts'))) throw new Error(`${checkout} is no checkout of Tidegate`)
  if (!existsSync(join(checkout, 'node_modules'))) throw new Error(`${checkout} has no node_modules: run npm ci there`)
  return { checkout }
}

/** The commit, and whether what runs differs from it: changes of anything else, such as results just written, don't count. */
function describe(checkout: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'src', 'package.json', 'package-lock.json')
  return `${git('describe', '--always')}${changed === '' ? '' : '-dirty'}`
}

function configuration(
  { port, prefixes, origins, threads, idleSeconds, tls, accessLog }: Work,
  engine: TidegateOptions['engine'],
): Record<string, unknown> {
  const names = prefixes.map((_, index) => `service-${index}`)
  const secured =
    tls === null ? {} : { tls: { certificates: [{ cert: tls.cert, key: tls.key }], minVersion: 'TLSv1.2' } }
  return {
    listeners: [
      { name: 'edge', address: `127.0.0.1:${port}`, engine, timeouts: { idle: `${idleSeconds}s` }, ...secured },
    ],
    admin: { address: '127.0.0.1:0' },
    workers: threads,
    log: { level: 'warn', access: accessLog },
    stateDir: null,
    discovery: { local: { type: 'static', services: Object.fromEntries(names.map((name) => [name, origins])) } },
    routes: prefixes.map((prefix, index) => ({ path: prefix === '' ? '/' : prefix, service: names[index] })),
    shutdown: { deadline: '2s' },
  }
}
