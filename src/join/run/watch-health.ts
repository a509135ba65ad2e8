import { checkHttp } from '../checks/http.ts'
import { checkTcp } from '../checks/tcp.ts'
import type { HealthReport } from '../registration.ts'

/** What is asked to know whether the program is well: a path of its HTTP server, or whether it takes connections. */
export type OwnCheck = { readonly path: string } | 'tcp'

const timeoutMs = 5000

/** Asks the program itself, for a registry that could not reach it; what it says is reported with the heartbeat. */
export async function askProgram(check: OwnCheck, port: number): Promise<HealthReport> {
  if (check === 'tcp') return checkTcp(`127.0.0.1:${port}`, timeoutMs)
  return checkHttp(`http://127.0.0.1:${port}${check.path}`, timeoutMs)
}
