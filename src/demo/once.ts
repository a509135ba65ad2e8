import { demoServices } from './fleet.ts'
import { createClient } from './load.ts'

const requestsPerService = 12

/**
 * Sends requests through the gateway and tells what came back.
 *
 * @returns true when all were answered with 200 and every instance had its part
 */
export async function sendOnce(edge: string, tell: (line: string) => void): Promise<boolean> {
  const client = createClient(edge)
  let isGood = true
  for (const [path, service] of [
    ['/api/users/1', 'user-service'],
    ['/api/orders/7', 'order-service'],
  ] as const) {
    const counts = new Map<string, number>()
    for (let sent = 0; sent < requestsPerService; sent++) {
      const { status, body } = await client.fetch(path)
      const answer = status === 200 ? (JSON.parse(body) as { instance: string }).instance : `status ${status}: ${body}`
      counts.set(answer, (counts.get(answer) ?? 0) + 1)
      if (status !== 200) isGood = false
      if (sent === 0) tell(`GET ${path} → ${status} ${body}`)
    }
    const parts = [...counts]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([instance, count]) => `${instance}: ${count}`)
    tell(`${requestsPerService} × GET ${path} → ${parts.join(', ')}`)
    if (counts.size !== demoServices[service]) isGood = false
  }
  client.close()
  return isGood
}
