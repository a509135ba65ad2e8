import { readInterfaces, type Interface } from './interfaces.ts'

export interface MdnsOptions {
  readonly name: string
  readonly type: 'mdns'
  /** `local` or, for go-micro, `micro`; without a final dot. */
  readonly domain: string
  /** Names or IPv4 addresses of the interfaces to use; null = all. */
  readonly interfaces: readonly string[] | null
}

/** Not for the configuration; tests shorten and narrow them. */
export interface MdnsLimits {
  readonly port: number
  readonly group: string
  /** How long answers to a query are waited for: responders take up to 120 ms (RFC 6762 section 6), the network the rest. */
  readonly answerWindowMs: number
  /** From the first query to the second; then twice as long each time (RFC 6762 section 5.2), up to `maxQueryGapMs`. */
  readonly queryGapMs: number
  readonly maxQueryGapMs: number
  /**
   * For how long a record lives on after a goodbye (RFC 6762 section 10.1) or a flush (section 10.2). The RFC has a second; what follows from
   * it is to be in force within that.
   */
  readonly goodbyeMs: number
  /** For how long records that an instance lacks are asked for before it is told of, or goes without. */
  readonly incompleteMs: number
  /** Changes that come together make one answer. */
  readonly settleMs: number
  /** Between two answers of a service, and as much more for each instance: a longer list costs more to take in. */
  readonly answerGapMs: number
  readonly answerGapMsPerInstance: number
  readonly interfaceCheckMs: number
  /** Of one service. The network's strangers can make us remember no more. */
  readonly maxInstances: number
  readonly readInterfaces: () => readonly Interface[]
}

export const mdnsLimits: MdnsLimits = Object.freeze({
  port: 5353,
  group: '224.0.0.251',
  answerWindowMs: 200,
  queryGapMs: 1000,
  maxQueryGapMs: 60_000,
  goodbyeMs: 900,
  incompleteMs: 1500,
  settleMs: 10,
  answerGapMs: 100,
  answerGapMsPerInstance: 2,
  interfaceCheckMs: 2000,
  maxInstances: 1000,
  readInterfaces,
})
