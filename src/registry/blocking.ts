/** What queries wait for: the catalog, or the keys. */
export interface Watched {
  /** Calls back after each commit, until the returned function is called. @param service whose index alone is waited for */
  onCommit(listener: () => void, service?: string): () => void
}

/** Resolves after the first commit at which `isDone` is true, when the wait is over, or when the signal aborts. */
export async function untilCommitted(
  watched: Watched,
  isDone: () => boolean,
  {
    waitMs,
    signal,
    service,
  }: { readonly waitMs: number; readonly signal: AbortSignal; readonly service?: string | undefined },
): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, waitMs)
  const unsubscribe = watched.onCommit(() => {
    if (isDone()) resolve()
  }, service)
  signal.addEventListener('abort', () => resolve(), { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
