import { checkGrpc } from './checks/grpc.ts'
import { checkHttp } from './checks/http.ts'
import { checkTcp } from './checks/tcp.ts'
import { heartbeatMs } from './heartbeat.ts'
import type { CheckPlan, HealthReport } from './registration.ts'

type Report = () => HealthReport | Promise<HealthReport>

/**
 * What an instance says of itself where the registry makes no checks: its own report, and the check that it asked for. The worse of them counts.
 */
export function withOwnCheck(check: CheckPlan, report: Report): Report {
  if (check.type === 'ttl') return report
  return async () => {
    const [said, seen] = await Promise.all([report(), makeCheck(check)])
    return rank[seen.status] > rank[said.status] ? seen : said
  }
}

/** How a user is told of that. */
export function checkedByItself(check: CheckPlan, registry: string): string[] {
  if (check.type === 'ttl') return []
  const seconds = heartbeatMs(check) / 1000
  return [`${registry} makes no checks: this process makes the ${check.type} check, with each heartbeat (${seconds}s)`]
}

const rank = { passing: 0, warning: 1, critical: 2 } as const

/** No longer than a heartbeat: the next one must not be late for it. */
function makeCheck(check: Exclude<CheckPlan, { type: 'ttl' }>): Promise<HealthReport> {
  const timeoutMs = Math.min(check.timeoutMs, heartbeatMs(check))
  if (check.type === 'http') return checkHttp(check.url, timeoutMs)
  if (check.type === 'grpc') return checkGrpc(check.target, check.tls, timeoutMs)
  return checkTcp(check.address, timeoutMs)
}
