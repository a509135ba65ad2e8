import { describe, expect, it } from 'vitest'
import { judge, unjudged } from '../../../src/health/check-verdict.ts'

const thresholds = { healthyAfter: 2, unhealthyAfter: 3 }

/** The state after each result: `+` passed, `-` failed. */
function statesOf(results: string): string {
  let verdict = unjudged
  return results
    .split('')
    .map((result) => {
      verdict = judge(verdict, result === '+', thresholds)
      return verdict.state === 'healthy' ? 'h' : verdict.state === 'unhealthy' ? 'u' : '?'
    })
    .join('')
}

describe('the verdict of health checks', () => {
  it.each([
    ['a first pass makes it healthy', '+', 'h'],
    ['a first failure makes it unhealthy', '-', 'u'],
    ['where none has passed yet, one pass is enough', '--+', 'uuh'],
    ['two failures are not enough', '+--+--', 'hhhhhh'],
    ['three in a row are', '+---', 'hhhu'],
    ['a pass between begins anew', '+--+---', 'hhhhhhu'],
    ['one pass does not bring it back', '+---+-+', 'hhhuuuu'],
    ['two in a row do', '+---++', 'hhhuuh'],
    ['then it takes three failures again', '+---++--+---', 'hhhuuhhhhhhu'],
  ])('%s', (_, results, states) => {
    expect(statesOf(results)).toBe(states)
  })
})
