import { json } from './answer.ts'
import type { Resource } from './resource.ts'

export const config: Resource = {
  path: '/api/v1/config',
  method: 'GET',
  access: 'token',
  summary: 'The configuration in force, without secrets, and why the last reload failed',
  answer: (input) => json(input.config()),
}
