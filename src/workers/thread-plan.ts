import { availableParallelism } from 'node:os'
import { type PortSharing, probePortSharing } from './share-ports.ts'

/** How many data threads run, and whether they listen on the same addresses. */
export interface ThreadPlan {
  /** 0 = in the main thread. */
  readonly workers: number
  /** False where the system does not let them: then there is one at most. */
  readonly sharesPorts: boolean
}

/**
 * @param wanted as configured; `auto` = one per core
 * @param onFewer called when the system allows one thread only and more were wanted. @param code what the system said
 */
export async function planThreads(
  wanted: number | 'auto',
  onFewer: (wanted: number, code: string) => void,
  probe: () => Promise<PortSharing> = probePortSharing,
): Promise<ThreadPlan> {
  const workers = wanted === 'auto' ? availableParallelism() : wanted
  if (workers === 0) return { workers, sharesPorts: false }
  const sharing = await probe()
  if (sharing.works) return { workers, sharesPorts: true }
  if (workers > 1) onFewer(workers, sharing.code)
  return { workers: 1, sharesPorts: false }
}
