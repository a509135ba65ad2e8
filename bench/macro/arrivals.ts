import { readFileSync } from 'node:fs'
import { Agent as PlainAgent, get as getPlain } from 'node:http'
import { Agent as SecureAgent, get as getSecure } from 'node:https'
import { isIP } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { arrivalPath, type Arrival } from './origin.ts'

const enough = 30

/**
 * Sees that a proxy does the work it is measured for, before it is measured: requests reach several origins, name the client,
 * and travel on kept connections on both sides, over TLS 1.3 where TLS is asked for. Throws with what is missing.
 *
 * @param url of a route, without the path behind its prefix
 * @param certificate file of the certificate that it has to show; null over plain TCP
 * @param originCount above 10 the connections to origins are not looked at: too few requests come round to each
 * @returns protocol and cipher, or null without TLS
 */
export async function checkArrivals(
  url: string,
  certificate: string | null,
  originCount: number,
): Promise<string | null> {
  const client = clientFor(certificate)
  try {
    await untilAnswers(url + arrivalPath, client)
    const answers: Answer[] = []
    while (answers.length < enough) answers.push(await client.ask(url + arrivalPath))
    const missing = missingWork(answers, originCount)
    if (missing !== null) throw new Error(missing)
    const tls = answers[0]?.tls ?? null
    if (certificate !== null && !tls?.startsWith('TLSv1.3 ')) throw new Error(`speaks ${tls}, not TLS 1.3`)
    return tls
  } finally {
    client.close()
  }
}

interface Answer {
  readonly status: number
  readonly arrival: Arrival | null
  readonly onKeptConnection: boolean
  readonly tls: string | null
}

interface Client {
  ask(url: string): Promise<Answer>
  close(): void
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
async function untilAnswers(url: string, client: Client): Promise<void> {
  const deadlineMs = performance.now() + 30_000
  while ((await client.ask(url)).arrival === null && performance.now() < deadlineMs) await delay(50)
}

function clientFor(certificate: string | null): Client {
  const options = { keepAlive: true, maxSockets: 1 }
  if (certificate === null) {
    const agent = new PlainAgent(options)
    return { ask: async (url) => ask(url, agent, getPlain), close: () => agent.destroy() }
  }
  const agent = new SecureAgent({ ...options, ca: readFileSync(certificate) })
  return { ask: async (url) => ask(url, agent, getSecure), close: () => agent.destroy() }
}

function ask(url: string, agent: PlainAgent, get: typeof getPlain): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      const { socket } = response
      const tls = socket instanceof TLSSocket ? `${socket.getProtocol()} ${socket.getCipher().standardName}` : null
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const status = response.statusCode as number
        const arrival = status === 200 ? (JSON.parse(Buffer.concat(chunks).toString()) as Arrival) : null
        resolve({ status, arrival, onKeptConnection: request.reusedSocket, tls })
      })
    })
    request.once('error', reject)
  })
}
