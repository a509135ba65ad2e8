import { beforeEach, describe } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { isKnownDifference } from '../conformance/engine/differences.ts'
import type { Script } from './recording-origin.ts'
import { setStage, type Stage } from './stage.ts'

export const engines: readonly EngineName[] = ['fast', 'standard']

/** Sets a stage with the engine that the tests are run over. */
interface OverEngine {
  readonly setStage: (options?: Parameters<typeof setStage>[0], script?: Script) => Promise<Stage>
}

/**
 * Declares the tests once for each engine. What an engine is known to do otherwise is expected to fail there: a difference that
 * no longer shows is to be struck off the list.
 */
export function overEngines(declare: (over: OverEngine) => void): void {
  describe.each(engines)('engine: %s', (engine) => {
    beforeEach(({ task }) => {
      if (isKnownDifference(engine, titleOf(task.fullTestName))) Object.assign(task, { fails: true })
    })
    declare({
      setStage: (options = {}, script) => setStage({ ...options, listener: { ...options.listener, engine } }, script),
    })
  })
}

/** Without the engine's name. */
function titleOf(fullTitle: string): string {
  return fullTitle.replace(/^engine: \w+ > /, '')
}
