import type { Ask, Reading } from './client.ts'
import { QueryIndex, type IndexMove } from './query-index.ts'

export interface PolledReading<Body> extends Reading<Body> {
  readonly move: IndexMove
}

/**
 * One blocking query after another: yields every answer, also those that show nothing new. The next is asked for when the
 * consumer comes back for it, so a consumer that pauses slows the queries down. Ends when the signal aborts, throws the
 * DiscoveryError of a query that fails.
 */
export async function* poll<Body>(
  ask: Ask<Body>,
  signal: AbortSignal,
): AsyncGenerator<PolledReading<Body>, void, void> {
  const index = new QueryIndex()
  while (!signal.aborted) {
    let reading: Reading<Body>
    try {
      reading = await ask(index.next, signal)
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    yield { ...reading, move: index.accept(reading.index) }
  }
}
