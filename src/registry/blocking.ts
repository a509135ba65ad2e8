import type { Catalog } from './catalog.ts'

/** Resolves after the first commit at which `isDone` is true, when the wait is over, or when the signal aborts. */
export async function untilCommitted(
  catalog: Catalog,
  isDone: () => boolean,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, waitMs)
  const unsubscribe = catalog.onCommit(() => {
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
