import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

export const workers: Resource = {
  path: '/api/v1/workers',
  method: 'GET',
  access: 'token',
  summary:
    'The data threads: state, open connections, exchanges in flight, how late and how busy their event loops are',
  answer: (input) => json({ workers: input.workers() }),
}

export const drainWorker: Resource = {
  path: '/api/v1/workers/{column}/drain',
  method: 'POST',
  access: 'token',
  summary: 'Replace one data thread while the others serve on: its replacement listens, then it finishes what it has',
  answer(input, { segments: [column = ''] }) {
    const outcome = input.drainWorker(/^(?:0|[1-9]\d{0,3})$/.test(column) ? Number(column) : NaN)
    if (outcome.drains) return json({ column: Number(column), replacement: outcome.replacement }, 202)
    if (outcome.reason === 'busy') return problem(409, outcome.detail)
    return problem(404, `No data thread is in column ${JSON.stringify(column)}; /api/v1/workers lists those there are`)
  },
}
