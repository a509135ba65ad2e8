/** Runs tasks, at most so many at once; the others wait in order. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>

export function createLimiter(maxAtOnce: number): Limiter {
  const waiting: (() => void)[] = []
  let running = 0

  return async (task) => {
    // A finished task hands its place over, so `running` stays as it is and nobody can slip in between.
    if (running >= maxAtOnce) await new Promise<void>((start) => waiting.push(start))
    else running++
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
