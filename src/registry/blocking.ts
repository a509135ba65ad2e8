/** What queries wait for: the catalog, or the keys. */
export interface Watched {
  /** Calls back after each commit, until the returned function is called. */
  onCommit(listener: () => void): () => void
}

/** Resolves after the first commit at which `isDone` is true, when the wait is over, or when the signal aborts. */
export async function untilCommitted(
  watched: Watched,
  isDone: () => boolean,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, waitMs)
  const unsubscribe = watched.onCommit(() => {
    if (isDone()) resolve()
  })
  signal.addEventListener('abort', () => resolve(), { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
