import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw } from '../support/raw-client.ts'
import { overEngines } from '../support/over-engines.ts'
import { deliveries, expectRefused, expectStillServing, type Stage } from '../support/stage.ts'

overEngines(({ setStage }) => {
  /** Only `/pub` is served: what reaches the origin under another path has escaped. */
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage({ routes: [{ path: '/pub' }, { path: '/clean' }, { path: '/strip', stripPrefix: true }] })
  })
  afterAll(async () => stage.close())

  async function forwardedTarget(target: string): Promise<string> {
    const { engine, origin } = stage
    const before = origin.requests.length
    const response = await exchangeRaw(engine.port, `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`)
    const requests = origin.requests.slice(before)
    await expectStillServing(stage)
    if (requests.length === 0) return header(response, 'x-tidegate-error') ?? 'lost'
    expect(requests).toHaveLength(1)
    return requests[0]?.target ?? ''
  }

  describe.each(deliveries)('a path delivered %s', (delivery) => {
    test.each(
      [
        [
          '/pub/..%2fx',
          '/pub/..%2Fx',
          '/pub/%2e%2e%2fx',
          '/pub/..%5cx',
          '/pub/%2e%2e%5Cx',
          '/pub/..\\x',
          '/pub\\..\\x',
        ],
        ['/pub/..;/x', '/pub/..;a=b/x', '/pub/%2e%2e;/x', '/pub/..%3b/x', '/pub/x%2f..', '/pub/x%5c..', '/pub/.%2e;/x'],
        ['/pub/%00', '/pub/%zz', '/pub/%', '/pub/%2', '/pub/%u002e', '/pub/%c0%ae%'],
      ].flat(),
    )('refuses %s', async (path) => {
      await expectRefused(stage, `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, 'bad-request', delivery)
    })
  })

  test.each([
    ['/pub/../x', 'no-route'],
    ['/pub/%2e%2e/x', 'no-route'],
    ['/pub/.%2E/x', 'no-route'],
    ['/pub/..', 'no-route'],
    ['/pub/a/../../x', 'no-route'],
    ['/pub/./../x', 'no-route'],
    ['/pub//../../x', 'no-route'],
    ['/../../../pub/x', '/pub/x'],
    ['/x/../pub/y', '/pub/y'],
    ['/%2e/pub/y', '/pub/y'],
    ['/pub/a/..', '/pub/'],
    ['/pub/.', '/pub/'],
    ['/pubx', 'no-route'],
    ['/pub%2fx', 'no-route'],
    ['/PUB', 'no-route'],
    ['//pub', 'no-route'],
    ['/%70ub', 'no-route'],
    ['/pub', '/pub'],
    ['/pub/', '/pub/'],
    ['/pub/a%2Fb', '/pub/a%2Fb'],
    ['/pub/a%5cb', '/pub/a%5cb'],
    ['/pub//x', '/pub//x'],
    ['/pub/%252e%252e/x', '/pub/%252e%252e/x'],
    ['/pub/...', '/pub/...'],
    ['/pub/..x', '/pub/..x'],
    ['/pub/x?/../y', '/pub/x?/../y'],
    ['/pub?..%2f', '/pub?..%2f'],
    ['/strip', '/'],
    ['/strip/../pub', '/pub'],
    ['/strip//evil/x', '/evil/x'],
    ['/strip/%2e%2e/pub/x', '/pub/x'],
    ['/strip/a/../b?c', '/b?c'],
  ])('takes %s to %s', async (path, wanted) => {
    expect(await forwardedTarget(path)).toBe(wanted)
  })
})
