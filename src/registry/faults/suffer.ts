import { STATUS_CODES } from 'node:http'
import type { ApiAnswer } from '../http/api-request.ts'
import type { CutFault } from './fault.ts'
import type { Meeting } from './fault-table.ts'

export interface Suffered {
  /** In place of the registry's own; undefined where that is given. */
  readonly answer: ApiAnswer | undefined
  /** Where the connection breaks. */
  readonly cut: CutFault['cut'] | undefined
}

/** Waits out the delays among the faults that a request meets; of the others, the first of each kind counts. */
export async function suffer(met: readonly Meeting[], gone: AbortSignal): Promise<Suffered> {
  let suffered: Suffered = { answer: undefined, cut: undefined }
  for (const { fault, undone } of met) {
    if ('delayMs' in fault) await pause(fault.delayMs, AbortSignal.any([gone, undone]))
    else if ('cut' in fault) suffered = { ...suffered, cut: suffered.cut ?? fault.cut }
    else suffered = { ...suffered, answer: suffered.answer ?? answerOf(fault) }
  }
  return suffered
}

function answerOf(fault: { status: number; body?: string; headers?: Readonly<Record<string, string>> }): ApiAnswer {
  const { status, body = STATUS_CODES[status] ?? '', headers = { 'content-type': 'text/plain; charset=utf-8' } } = fault
  return { status, headers, bytes: Buffer.from(body) }
}

/** Resolves when the time is over or the signal aborts. */
async function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeMs)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}
