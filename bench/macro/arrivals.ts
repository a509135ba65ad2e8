import { Agent, get } from 'node:http'
import { isIP } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { arrivalPath, type Arrival } from './origin.ts'

const enough = 30

/**
 * Sees that a proxy does the work it is measured for, before it is measured: requests reach several origins, name the client,
 * and travel on kept connections on both sides. Throws with what is missing.
 *
 * @param originCount above 10 the connections to origins are not looked at: too few requests come round to each
 */
export async function checkArrivals(port: number, prefix: string, originCount: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const url = `http://127.0.0.1:${port}${prefix}${arrivalPath}`
    await untilAnswers(url, agent)
    const answers: Answer[] = []
    while (answers.length < enough) answers.push(await ask(url, agent))
    const missing = missingWork(answers, originCount)
    if (missing !== null) throw new Error(missing)
  } finally {
    agent.destroy()
  }
}

interface Answer {
  readonly status: number
  readonly arrival: Arrival | null
  readonly onKeptConnection: boolean
}

function missingWork(answers: readonly Answer[], originCount: number): string | null {
  const arrivals = answers.flatMap(({ arrival }) => arrival ?? [])
  const failed = answers.find(({ arrival }) => arrival === null)
  if (failed !== undefined) return `answers ${failed.status}`
  if (new Set(arrivals.map(({ address }) => address)).size < Math.min(3, originCount)) return 'does not balance'
  if (arrivals.some(({ forwardedFor }) => isIP(forwardedFor) === 0)) return 'sends no x-forwarded-for'
  if (!answers.every(({ onKeptConnection }) => onKeptConnection)) return 'closes connections of clients'
  const keeps = arrivals.some(({ connectionRequests }) => connectionRequests > 1)
  return originCount <= 10 && !keeps ? 'closes connections to origins' : null
}

/** A proxy that listens may still be reading its configuration, and answer 503 meanwhile. */
async function untilAnswers(url: string, agent: Agent): Promise<void> {
  const deadlineMs = performance.now() + 30_000
  while ((await ask(url, agent)).arrival === null && performance.now() < deadlineMs) await delay(50)
}

function ask(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const status = response.statusCode as number
        const arrival = status === 200 ? (JSON.parse(Buffer.concat(chunks).toString()) as Arrival) : null
        resolve({ status, arrival, onKeptConnection: request.reusedSocket })
      })
    })
    request.once('error', reject)
  })
}
