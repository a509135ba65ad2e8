import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

export const reload: Resource = {
  path: '/api/v1/reload',
  method: 'POST',
  access: 'token',
  summary: 'Read the configuration again; a bad one is refused with its findings and changes nothing',
  async answer(input) {
    const outcome = await input.reload()
    if (outcome.applied) return json(outcome)
    const detail = 'The configuration has errors; the one in force stays'
    return problem(422, detail, { applied: false, findings: outcome.findings })
  },
}
