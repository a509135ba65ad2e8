/**
 * TLS connections with one GET each, some at a time, for some seconds; prints the result as one line of JSON. Times are from connecting
 * to the end of the answer. Every connection has to be what was asked for: a session that is resumed where it must be new, or the
 * other way round, ends it with an error.
 *
 * node handshake-client.ts URL CONNECTIONS SECONDS CERTIFICATE new|resumed
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'

type Kind = 'connect' | 'read' | 'timeout' | 'status'

const [url = '', connections = '', seconds = '', certificate = '', sessions = ''] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(url)
const ca = readFileSync(certificate)
const request = `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: close\r\n\r\n`
const resumes = sessions === 'resumed'
const timeoutMs = 2000
/** The group that all know: a hybrid one with ML-KEM is more work, and only the newer ones take it. */
const ecdhCurve = 'X25519'

const timesMs: number[] = []
const failures = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 }

/** One connection at a time, until `endMs`. The first of those that resume has nothing to resume, and does not count. */
async function connectAgainAndAgain(endMs: number): Promise<void> {
  let session = resumes ? (await exchange(null)).session : null
  while (performance.now() < endMs) {
    const startedMs = performance.now()
    const outcome = await exchange(session)
    if (outcome.failure !== null) failures[outcome.failure]++
    else {
      if (outcome.isResumed !== resumes) throw new Error(`a session is ${outcome.isResumed ? '' : 'not '}resumed`)
      timesMs.push(performance.now() - startedMs)
    }
    // A ticket of TLS 1.3 is for one use (RFC 8446 appendix C.4): the next one came with this connection.
    if (resumes) session = outcome.session ?? session
  }
}

interface Outcome {
  readonly failure: Kind | null
  readonly isResumed: boolean
  readonly session: Buffer | null
}

function exchange(offered: Buffer | null): Promise<Outcome> {
  return new Promise((resolve) => {
    const offer = offered === null ? {} : { session: offered }
    const socket = connect({ host: hostname, port: Number(port), ca, ecdhCurve, ...offer })
    let text = ''
    let isResumed = false
    let session: Buffer | null = null
    const done = (failure: Kind | null) => {
      socket.destroy()
      resolve({ failure, isResumed, session })
    }
    socket.setEncoding('latin1').setTimeout(timeoutMs)
    socket.once('secureConnect', () => {
      isResumed = socket.isSessionReused()
      socket.write(request)
    })
    socket.on('session', (latest) => (session = latest))
    socket.on('data', (chunk: string) => (text += chunk))
    socket.once('timeout', () => done('timeout'))
    socket.once('error', () => done(text === '' && !socket.authorized ? 'connect' : 'read'))
    socket.once('end', () => done(failureIn(text)))
  })
}

function failureIn(answer: string): Kind | null {
  if (!answer.includes('\r\n\r\n')) return 'read'
  return answer.startsWith('HTTP/1.1 200 ') ? null : 'status'
}

function percentileMicros(share: number): number {
  const rank = Math.max(1, Math.ceil(timesMs.length * share))
  return Math.round((timesMs[rank - 1] ?? 0) * 1000)
}

const startedMs = performance.now()
const endMs = startedMs + Number(seconds) * 1000
await Promise.all(Array.from({ length: Number(connections) }, async () => connectAgainAndAgain(endMs)))
const micros = Math.round((performance.now() - startedMs) * 1000)
timesMs.sort((a, b) => a - b)
const percentiles = {
  p50Micros: percentileMicros(0.5),
  p99Micros: percentileMicros(0.99),
  p999Micros: percentileMicros(0.999),
}
console.log(`result ${JSON.stringify({ requests: timesMs.length, micros, ...percentiles, failures })}`)
