import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import { setImmediate as turn, setTimeout as after } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import type { ClientTlsSettings } from '../../core/snapshot.ts'

export interface Answered {
  readonly status: number
  readonly text: string
}

/** A request whose body goes on while its answer comes: lines of JSON in both directions. */
export interface LineStream {
  /** Rejects when there is no answer. */
  readonly status: Promise<number>
  /** Ends with the answer; throws what ended it otherwise. */
  readonly lines: AsyncIterable<string>
  write(line: string): void
  destroy(reason: Error): void
}

type CallOptions = Pick<RequestOptions, 'agent' | 'signal'> & { readonly headers?: Readonly<Record<string, string>> }

/** Time was up. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

const defaultMaxSockets = 16
const idleSocketMs = 15_000
/** Lines that come so soon after others are read together: at a thousand changes a second each would wake the thread by itself. */
const gatherMs = 10
/** A chunk as long as this was no longer alone: there is more to read, and nothing to wait for. */
const fullChunkChars = 65_536
/** After so many, what they change goes on its way, and others have their turn. */
const linesPerTurn = 32
// As many keys as one page has, of the largest values that etcd takes by default, would be more; no registry has those.
const maxAnswerBytes = 256 * 1024 * 1024

/** What etcd's JSON gateway needs of HTTP/1.1, over kept-alive connections; each stream has one of its own. */
export class Transport {
  readonly #http: HttpAgent
  readonly #https: HttpsAgent
  readonly #tls: Pick<ConnectionOptions, 'ca' | 'servername' | 'cert' | 'key' | 'rejectUnauthorized'>

  constructor(tls: ClientTlsSettings | null, maxSockets = defaultMaxSockets) {
    this.#http = new HttpAgent({ keepAlive: true, maxSockets, timeout: idleSocketMs })
    this.#tls = {
      ...(tls?.ca != null && { ca: tls.ca }),
      ...(tls?.servername != null && { servername: tls.servername }),
      ...tls?.keyPair,
      ...(tls?.verify === false && { rejectUnauthorized: false }),
    }
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets, timeout: idleSocketMs, ...this.#tls })
  }

  /** Rejects when there is no whole answer in time. */
  async post(url: string, call: { token: string | null; body: string; timeoutMs: number; signal: AbortSignal }) {
    const { token, body, timeoutMs, signal } = call
    const answered = Promise.withResolvers<Answered>()
    const sent = this.#request(url, token, { agent: url.startsWith('https:') ? this.#https : this.#http, signal })
    // What a destroyed request says of itself is that it was reset.
    const end = (reason: Error) => {
      answered.reject(reason)
      sent.destroy()
    }
    const timer = setTimeout(() => end(new TimeIsUp()), timeoutMs)
    sent.on('error', answered.reject)
    sent.on('response', (answer: IncomingMessage) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxAnswerBytes) end(tooLarge())
        else chunks.push(chunk)
      })
      answer.on('error', answered.reject)
      answer.on('end', () =>
        answered.resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      )
    })
    sent.end(body)
    try {
      return await answered.promise
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Opens a stream. Go's server reads on while it answers only where the connection ends with the answer, so this one is not kept
   * alive: https://pkg.go.dev/net/http#ResponseController.EnableFullDuplex
   *
   * It keeps no process alive: a program that has nothing to do but to hear of changes ends.
   */
  open(url: string, call: { token: string | null; signal: AbortSignal }): LineStream {
    const requireLeader = { 'grpc-metadata-hasleader': 'true' }
    const sent = this.#request(url, call.token, { agent: false, signal: call.signal, headers: requireLeader })
    sent.setNoDelay(true)
    sent.on('socket', (socket) => socket.unref())
    const response = Promise.withResolvers<IncomingMessage>()
    // An error after the answer has begun reaches whoever reads the answer.
    sent.on('error', response.reject)
    let answer: IncomingMessage | null = null as IncomingMessage | null
    sent.on('response', (begun: IncomingMessage) => {
      answer = begun
      response.resolve(begun)
    })
    const status = response.promise.then(({ statusCode = 0 }) => statusCode)
    status.catch(() => {})
    return {
      status,
      lines: linesOf(response.promise, sent),
      write: (line) => void sent.write(`${line}\n`),
      destroy: (reason) => {
        answer?.destroy(reason)
        sent.destroy(reason)
      },
    }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #request(url: string, token: string | null, options: CallOptions): ClientRequest {
    const isSecure = url.startsWith('https:')
    const headers = {
      ...options.headers,
      'content-type': 'application/json',
      ...(token !== null && { authorization: token }),
    }
    const make = isSecure ? httpsRequest : httpRequest
    return make(url, { ...options, ...(isSecure && this.#tls), method: 'POST', headers })
  }
}

async function* linesOf(response: Promise<IncomingMessage>, sent: ClientRequest): AsyncGenerator<string, void, void> {
  const answer = await response
  let begun: string[] = []
  let chars = 0
  let taken = 0
  try {
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
      const [first = '', ...others] = chunk.split('\n')
      begun.push(first)
      chars += chunk.length
      if (chars > maxAnswerBytes) throw tooLarge()
      for (const next of others) {
        yield begun.join('')
        begun = [next]
        chars = next.length
        if (++taken % linesPerTurn === 0) await turn()
      }
      if (others.length > 0 && chunk.length < fullChunkChars) await after(gatherMs, undefined, { ref: false })
    }
    // The gateway's last word, an error mostly, has no end of line.
    const rest = begun.join('')
    if (rest !== '') yield rest
  } finally {
    sent.destroy()
  }
}

function tooLarge(): Error {
  return new Error(`the answer is larger than ${maxAnswerBytes} bytes`)
}
