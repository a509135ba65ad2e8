import type { Engine, EngineOptions } from '../../support/engine.ts'
import type { Flow } from '../../support/flow.ts'

/** What a case works with: origins and clients, and the engine under test. */
export interface EngineStage {
  /** What its clients speak. */
  readonly proto: 'http' | 'https'
  readonly flow: Flow
  readonly start: (options: EngineOptions) => Promise<Engine>
}

/** Something that every engine does. */
export interface EngineCase {
  readonly title: string
  readonly run: (stage: EngineStage) => Promise<void>
}
