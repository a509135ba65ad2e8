import type { HealthCheck } from '../../src/core/health-check.ts'

/** The defaults of `healthCheck: { path: /health }`. */
export const healthCheck: HealthCheck = {
  path: '/health',
  port: null,
  host: null,
  statuses: [{ from: 200, to: 399 }],
  intervalMs: 10_000,
  timeoutMs: 5000,
  healthyAfter: 2,
  unhealthyAfter: 3,
}
