import type { Ask, Reading } from './client.ts'
import { QueryIndex, type IndexMove } from './query-index.ts'

export interface PolledReading<Body> extends Reading<Body> {
  readonly move: IndexMove
}

/**
 * One blocking query after another: takes every answer, also those that show nothing new, and yields what came of it. The next is asked
 * for when the consumer comes back for it, so a consumer that pauses slows the queries down. Ends when the signal aborts, throws the
 * DiscoveryError of a query that fails.
 *
 * @param take see Wire. And a generator that waits keeps what its variables held last: so would each of ten thousand watches a whole
 *   list as it was parsed
 */
export async function* poll<Body, Taken>(
  ask: Ask<Body>,
  take: (reading: PolledReading<Body>) => Taken,
  signal: AbortSignal,
): AsyncGenerator<Taken, void, void> {
  const index = new QueryIndex()
  const accept = (reading: Reading<Body>) => take({ ...reading, move: index.accept(reading.index) })
  while (!signal.aborted) {
    let taken: Taken
    try {
      taken = await ask({ index: index.next, signal }, accept)
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    yield taken
  }
}
