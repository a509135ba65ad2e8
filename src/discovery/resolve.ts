import { LRUCache } from 'lru-cache'
import { systemClock, type Clock } from '../util/clock.ts'
import type { Random } from '../util/random.ts'
import type { Answer } from './contract.ts'
import { systemDns, type Dns } from './names/dns.ts'
import { Name, type NameContext } from './names/name.ts'
import { Resolution } from './names/resolution.ts'

export interface ResolverOptions {
  /** For the jitter of retries. */
  readonly random: Random
  /** Called once when a name can't be found, and again only after it was found in between. Must not throw. */
  readonly onUnresolved: (name: string, reason: string) => void
  readonly dns?: Dns
  readonly clock?: Clock
}

export interface Resolver {
  /**
   * The same answers with addresses in place of host names, one instance for each address of a name, and again whenever the
   * addresses change. Answers without names pass at once. The first answer waits for the lookups of its names, at most 2 s; names
   * that are not found are left out and tried again, 500 ms to 30 s with full jitter. Addresses once found stay until others are
   * found. Ends and throws as `answers` does; ends when the signal aborts.
   */
  resolved(answers: AsyncIterable<Answer>, signal: AbortSignal): AsyncIterable<Answer>
}

/** Names remembered beyond the watches that use them, so that a watch that begins again has their addresses at once. */
const rememberedNames = 10_000

/** Turns host names into addresses, off the request path. One per gateway: watches share the lookups. */
export function createResolver({ dns = systemDns(), clock = systemClock, ...rest }: ResolverOptions): Resolver {
  const context: NameContext = { dns, clock, ...rest }
  const names = new LRUCache<string, Name>({ max: rememberedNames })
  const nameOf = (host: string): Name => {
    const name = names.get(host) ?? new Name(host, context)
    names.set(host, name)
    return name
  }
  return { resolved: (answers, signal) => resolved(answers, signal, nameOf) }
}

function resolved(
  answers: AsyncIterable<Answer>,
  signal: AbortSignal,
  nameOf: (host: string) => Name,
): AsyncIterable<Answer> {
  const resolution = new Resolution(nameOf)
  const source = answers[Symbol.asyncIterator]()
  return resolution.box.answers(signal, {
    begin: () => void take(source, resolution),
    over() {
      resolution.close()
      // Where the source is a generator it takes effect with its next answer; a consumer that can't wait for that aborts.
      void source.return?.().catch(() => {})
    },
  })
}

async function take(source: AsyncIterator<Answer>, resolution: Resolution): Promise<void> {
  try {
    for (let next = await source.next(); !next.done; next = await source.next()) {
      if (!resolution.box.isOpen) return
      resolution.take(next.value)
    }
    resolution.end()
  } catch (error) {
    resolution.fail(error)
  }
}
