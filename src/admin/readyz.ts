import type { Readiness } from './admin-input.ts'
import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

export const readyz: Resource = {
  path: '/readyz',
  method: 'GET',
  access: 'open',
  summary: 'Whether traffic may be sent here',
  answer(input) {
    const readiness = input.readiness()
    const { ready, draining, missing } = readiness
    if (ready && !draining) return json(missing.length === 0 ? { ready } : { ready, missing })
    return problem(503, reason(readiness), { ready: false, draining, missing })
  },
}

function reason({ draining, missing }: Readiness): string {
  if (draining) return 'The gateway is shutting down'
  if (missing.length === 0) return 'The gateway is starting'
  return `No registry has answered yet for ${missing.join(', ')}`
}
