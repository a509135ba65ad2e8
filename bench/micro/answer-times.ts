import { Ledger } from '../../src/core/ledger.ts'
import type { Benchmark, Suite } from './benchmark.ts'

/** What looking for a limit costs each request while none is in force: what its answer took, and a look whether there is one. */
export const answerTimes: Suite = () => [counted(), looked()]

function cellOf() {
  const ledger = Ledger.create(2, 0)
  ledger.reserve(0, 1)
  return ledger.service(0, 0)
}

function counted(): Benchmark {
  const cell = cellOf()
  return {
    name: 'answer times: an answer is counted',
    run(operations) {
      for (let i = 0; i < operations; i++) cell.addAnswer(5 + (i & 3))
      return cell.takeAnswers().answers
    },
  }
}

function looked(): Benchmark {
  const cell = cellOf()
  return {
    name: 'answer times: no limit is in force',
    run(operations) {
      let found = 0
      for (let i = 0; i < operations; i++) found += cell.foundRequests()
      return found
    },
  }
}
