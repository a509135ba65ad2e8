import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

export const livez: Resource = {
  path: '/livez',
  method: 'GET',
  access: 'open',
  summary: 'Whether the process works; when it does not, restarting it is the way out',
  answer(input) {
    const liveness = input.liveness()
    return liveness.alive ? json(liveness) : problem(503, liveness.cause, { alive: false })
  },
}
