import { describe, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { useFlow } from '../support/flow.ts'
import { bodyCases } from './engine/bodies.ts'
import type { EngineCase, EngineStage } from './engine/case.ts'
import { connectionCases } from './engine/connections.ts'
import { forwardingCases } from './engine/forwarding.ts'
import { outcomeCases } from './engine/outcomes.ts'
import { knownDifferences } from './engine/differences.ts'

const engines: readonly EngineName[] = ['fast', 'standard']
const cases: readonly EngineCase[] = [...forwardingCases, ...bodyCases, ...connectionCases, ...outcomeCases]
const flow = useFlow()

describe.each(engines)('engine: %s', (engine) => {
  const stage: EngineStage = {
    flow,
    start: (options) => flow.engine({ ...options, listener: { ...options.listener, engine } }),
  }
  for (const { title, run } of cases) {
    const isKnown = knownDifferences.some((known) => known.engine === engine && known.case === title)
    // A difference that no longer shows is to be struck off the list.
    const check = isKnown ? test.fails : test
    check(title, () => run(stage))
  }
})
