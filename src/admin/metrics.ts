import type { Resource } from './resource.ts'

export const metrics: Resource = {
  path: '/metrics',
  method: 'GET',
  access: 'metrics',
  summary: "Metrics in Prometheus' text format",
  answer: async (input) => ({ status: 200, ...(await input.metrics()) }),
}
