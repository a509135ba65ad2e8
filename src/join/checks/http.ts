import { request } from 'undici'
import type { HealthReport } from '../registration.ts'

/** 2xx is well, 429 a warning: https://developer.hashicorp.com/consul/docs/services/usage/checks */
export async function checkHttp(url: string, timeoutMs: number): Promise<HealthReport> {
  const { pathname } = new URL(url)
  try {
    const answer = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
    await answer.body.dump()
    const note = `${pathname} answers ${answer.statusCode}`
    if (answer.statusCode === 429) return { status: 'warning', note }
    return { status: answer.statusCode >= 200 && answer.statusCode < 300 ? 'passing' : 'critical', note }
  } catch (error) {
    return { status: 'critical', note: `${pathname}: ${error instanceof Error ? error.message : String(error)}` }
  }
}
