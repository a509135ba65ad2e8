import type { Answer, Discovery } from '../../src/discovery/contract.ts'

/** A running watch, read one answer after the other. */
export interface Watching {
  /** The next answer; null at the end. Rejects when the watch fails. */
  next(): Promise<Answer | null>
  /** The first answer from here on that fits. Rejects when the watch ends before. */
  until(isWanted: (answer: Answer) => boolean): Promise<Answer>
  /** Aborts; resolves when the watch has ended. */
  stop(): Promise<void>
}

export function startWatch(answers: (signal: AbortSignal) => AsyncIterable<Answer>): Watching {
  const stopping = new AbortController()
  const iterator = answers(stopping.signal)[Symbol.asyncIterator]()
  const next = async () => {
    const step = await iterator.next()
    return step.done ? null : step.value
  }
  return {
    next,
    until: async (isWanted) => {
      for (;;) {
        const answer = await next()
        if (answer === null) throw new Error('the watch ended')
        if (isWanted(answer)) return answer
      }
    },
    stop: async () => {
      stopping.abort()
      while ((await next()) !== null);
    },
  }
}

export function watch(discovery: Discovery, service: string): Watching {
  return startWatch((signal) => discovery.watch(service, signal))
}
