import { json } from './answer.ts'
import type { Resource } from './resource.ts'

export const routes: Resource = {
  path: '/api/v1/routes',
  method: 'GET',
  access: 'token',
  summary: 'All routes in force',
  answer: (input) => json({ routes: input.routes() }),
}
