import { json, problem } from './answer.ts'
import type { Resource } from './resource.ts'

export const services: Resource = {
  path: '/api/v1/services',
  method: 'GET',
  access: 'token',
  summary: 'All routed services with their endpoints',
  answer: (input) => json({ services: input.services() }),
}

export const service: Resource = {
  path: '/api/v1/services/{name}',
  method: 'GET',
  access: 'token',
  summary: "One service: each endpoint with the registry's word, our observation, and why it is eligible or not",
  answer(input, { segments: [name = ''] }) {
    const found = input.service(name)
    if (found !== null) return json(found)
    return problem(404, `No route names a service ${JSON.stringify(name)}; /api/v1/services lists those there are`)
  },
}
