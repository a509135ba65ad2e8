import type { CheckResult, HealthStatus } from './check.ts'

/** All checks of a kind, and what they come to. */
export interface HealthState {
  readonly status: HealthStatus
  readonly output?: string
  readonly checks: Readonly<Record<string, CheckResult>>
}

const badness: readonly HealthStatus[] = ['pass', 'warn', 'fail']

/** `pass` where there is none. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return badness.findLast((status) => statuses.includes(status)) ?? 'pass'
}

/** `application/health+json` (draft-inadarei-api-health-check-06): each check under `NAME:responseTime`. */
export function bodyOf({ status, output, checks }: HealthState, version: string | null): string {
  const details = Object.entries(checks).map(([name, check]) => {
    const detail = {
      status: check.status,
      observedValue: check.tookMs,
      observedUnit: 'ms',
      time: new Date(check.atMs).toISOString(),
      ...(check.output !== undefined && { output: check.output }),
    }
    return [`${name}:responseTime`, [detail]]
  })
  return JSON.stringify({
    status,
    ...(version !== null && { version }),
    ...(output !== undefined && { output }),
    ...(details.length > 0 && { checks: Object.fromEntries(details) }),
  })
}
