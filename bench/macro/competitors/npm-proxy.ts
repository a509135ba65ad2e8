import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Competitor } from '../competitor.ts'
import { onlyRoute } from './only-route.ts'

const packages = new URL('../../node_modules/', import.meta.url)

/**
 * A proxy of the npm registry, on the Node that runs the bench.
 *
 * @param script beside this file: serves on the port, and for the origins, that its arguments name
 */
export function npmProxy(name: string, script: string): Competitor {
  // Looked for by path: resolution by name would go on to the checkout's own packages, where http-proxy is another one.
  const description = new URL(`${name}/package.json`, packages)
  return {
    name,
    available: () => (existsSync(description) ? null : 'not installed: run npm ci in bench/'),
    version: () => (JSON.parse(readFileSync(description, 'utf8')) as { version: string }).version,
    start(work, launch) {
      onlyRoute(work)
      const file = fileURLToPath(new URL(script, import.meta.url))
      return launch(process.execPath, ['--no-deprecation', file, String(work.port), ...work.origins])
    },
  }
}
