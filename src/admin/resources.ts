import { config } from './config.ts'
import { endpointCommands } from './endpoints.ts'
import { explain } from './explain.ts'
import { indexPage } from './index-page.ts'
import { livez } from './livez.ts'
import { metrics } from './metrics.ts'
import { readyz } from './readyz.ts'
import { reload } from './reload.ts'
import type { Resource } from './resource.ts'
import { routes } from './routes.ts'
import { service, services } from './services.ts'
import { timeline } from './timeline.ts'
import { drainWorker, workers } from './workers.ts'

const listed = [
  livez,
  readyz,
  metrics,
  routes,
  services,
  service,
  ...endpointCommands,
  explain,
  timeline,
  config,
  reload,
  workers,
  drainWorker,
]

/** Everything the admin listener answers. */
export const resources: readonly Resource[] = [indexPage(listed), ...listed]

/** Resources of a path, one per method, with what stood for the `{words}` of theirs (still encoded). */
export function findResources(path: string): readonly { readonly resource: Resource; readonly segments: string[] }[] {
  const asked = path.split('/')
  return resources.flatMap((resource) => {
    const segments = matchPath(resource.path.split('/'), asked)
    return segments === null ? [] : [{ resource, segments }]
  })
}

function matchPath(pattern: readonly string[], asked: readonly string[]): string[] | null {
  if (pattern.length !== asked.length) return null
  const segments: string[] = []
  for (const [i, part] of pattern.entries()) {
    const segment = asked[i] ?? ''
    if (part.startsWith('{') && segment !== '') segments.push(segment)
    else if (part !== segment) return null
  }
  return segments
}
