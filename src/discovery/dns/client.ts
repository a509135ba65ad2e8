import { Resolver } from 'node:dns'
import { DiscoveryError } from '../contract.ts'
import { allFailed, refusal, responseCodes, unreadable } from './error.ts'
import type { Limits } from './exchange.ts'
import { type Question, queryFor, type Reply } from './message.ts'
import type { DnsOptions, DnsServer } from './options.ts'
import { askOverTcp } from './tcp.ts'
import { askOverUdp } from './udp.ts'

/** What passes every path whole: the value that DNS servers have agreed on (https://www.dnsflagday.net/2020/). */
const payloadBytes = 1232
/** RFC 1035 section 4.2.1. */
const plainPayloadBytes = 512
/** Less room than a record needs is left in a TCP message of 65,535 bytes. */
const fullMessageBytes = 65_000
const dnsPort = 53
/** Each has a socket: a service of a thousand names must not take all file descriptors. */
const maxQuestionsAtOnce = 100

/** Asks DNS servers: in their order, beginning with the one that answered last. */
export class DnsClient {
  readonly #configured: readonly DnsServer[]
  readonly #timeoutMs: number
  #system: readonly DnsServer[] | null = null
  #preferred: DnsServer | null = null
  #asking = 0
  readonly #waiting: (() => void)[] = []

  constructor({ servers, timeoutMs }: Pick<DnsOptions, 'servers' | 'timeoutMs'>) {
    this.#configured = servers
    this.#timeoutMs = timeoutMs
  }

  /**
   * The answer of the first server that has one: records, or that there are none (NXDOMAIN, or no error and no records). A server
   * that fails, refuses or answers nonsense is passed over; one that is silent is asked once more after all others.
   * @throws DiscoveryError when no server had an answer
   */
  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    if (this.#asking === maxQuestionsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#asking++
    try {
      return await this.#askInTurn(question, signal)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#asking--
      else next()
    }
  }

  async #askInTurn(question: Question, signal: AbortSignal): Promise<Reply> {
    const failures: DiscoveryError[] = []
    let servers = this.#inOrder()
    for (let round = 1; round <= 2; round++) {
      const silent: DnsServer[] = []
      for (const server of servers) {
        try {
          const reply = await askServer(server, question, { timeoutMs: this.#timeoutMs, signal })
          this.#preferred = server
          return reply
        } catch (error) {
          if (!(error instanceof DiscoveryError)) throw error
          failures.push(error)
          if (error.code === 'timeout') silent.push(server)
        }
      }
      servers = silent
    }
    // The system may have been given others meanwhile.
    this.#system = null
    throw allFailed(question, failures)
  }

  #inOrder(): readonly DnsServer[] {
    const servers = this.#configured.length > 0 ? this.#configured : (this.#system ??= systemServers())
    const preferred = servers.find((server) => server === this.#preferred)
    return preferred === undefined ? servers : [preferred, ...servers.filter((server) => server !== preferred)]
  }
}

async function askServer(server: DnsServer, question: Question, limits: Limits): Promise<Reply> {
  let room = payloadBytes
  let reply = await askOverUdp(server, queryFor(question, payloadBytes), limits)
  if (reply.responseCode === responseCodes.formErr || reply.responseCode === responseCodes.notImp) {
    // It may be older than EDNS0 (RFC 6891 section 7).
    room = plainPayloadBytes
    reply = await askOverUdp(server, queryFor(question, null), limits)
  }
  // Consul leaves out what has no room and does not say so unless it is told to (`enable_truncate`): an answer that is well filled may be
  // a part, another one each time. Over TCP it is whole.
  if (reply.isTruncated || reply.byteCount > room / 2) {
    reply = await askOverTcp(server, queryFor(question, null), limits)
    if (reply.isTruncated || reply.byteCount > fullMessageBytes) {
      throw unreadable(server, 'there are more records than a DNS message holds')
    }
  }
  const { responseCode } = reply
  if (responseCode === responseCodes.noError || responseCode === responseCodes.nxDomain) return reply
  throw refusal(server, responseCode)
}

/** Those of `/etc/resolv.conf`, read now. */
function systemServers(): readonly DnsServer[] {
  return new Resolver().getServers().map(serverOfSystem)
}

/** As `getServers` writes it: an address, with a port where that is not 53. */
export function serverOfSystem(text: string): DnsServer {
  const found = /^\[(.+)\]:(\d+)$/.exec(text) ?? /^([\d.]+):(\d+)$/.exec(text)
  return { host: found?.[1] ?? text, port: Number(found?.[2] ?? dnsPort) }
}
