import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

const maxEvents = 1000

export const timeline: Resource = {
  path: '/api/v1/timeline',
  method: 'GET',
  access: 'token',
  summary: 'Recent decisions with their causes, newest first; ?limit= for fewer',
  answer(input, { query }) {
    const text = query.get('limit') ?? String(maxEvents)
    const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
    if (limit < 1 || limit > maxEvents) return problem(400, `limit must be a number from 1 to ${maxEvents}`)
    return json({ events: input.timeline(limit) })
  },
}
