import { describe, expect, test } from 'vitest'
import { suggest } from '../../../src/util/suggest.ts'

describe('suggest', () => {
  const known = ['path', 'host', 'stripPrefix', 'prependPath', 'rewriteHost', 'timeout']

  test.each([
    ['pth', 'path'],
    ['paht', 'path'],
    ['hots', 'host'],
    ['strip_prefix', 'stripPrefix'],
    ['STRIP-PREFIX', 'stripPrefix'],
    ['timeouts', 'timeout'],
    ['timeoutt', 'timeout'],
  ])('takes %s for %s', (word, meant) => {
    expect(suggest(word, known)).toBe(meant)
  })

  test.each(['colour', 'x', '', 'balancer'])('has nothing to say about %j', (word) => {
    expect(suggest(word, known)).toBeNull()
  })

  test('prefers the nearest word', () => {
    expect(suggest('headTimeou', ['readTimeout', 'headTimeout'])).toBe('headTimeout')
  })
})
