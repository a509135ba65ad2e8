import { request } from 'undici'
import type { HealthReport } from '../registration.ts'
import { takesConnections } from './until-port-open.ts'

/** What is asked to know whether the program is well: a path of its HTTP server, or whether it takes connections. */
export type OwnCheck = { readonly path: string } | 'tcp'

const timeoutMs = 5000

/**
 * Asks the program itself, for a registry that could not reach it; what it says is reported with the heartbeat. 2xx is well, 429 a
 * warning: https://developer.hashicorp.com/consul/docs/services/usage/checks
 */
export async function askProgram(check: OwnCheck, port: number): Promise<HealthReport> {
  if (check === 'tcp') {
    if (await takesConnections('127.0.0.1', port)) return { status: 'passing', note: '' }
    return { status: 'critical', note: `port ${port} takes no connections` }
  }
  try {
    const answer = await request(`http://127.0.0.1:${port}${check.path}`, {
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    })
    await answer.body.dump()
    const note = `${check.path} answers ${answer.statusCode}`
    if (answer.statusCode === 429) return { status: 'warning', note }
    return { status: answer.statusCode >= 200 && answer.statusCode < 300 ? 'passing' : 'critical', note }
  } catch (error) {
    return { status: 'critical', note: `${check.path}: ${error instanceof Error ? error.message : String(error)}` }
  }
}
