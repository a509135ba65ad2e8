import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { startConsul, type Consul } from '../support/consul.ts'
import { normalise } from './registry-parity/normalise.ts'
import { refusals } from './registry-parity/refusals.ts'
import { steps } from './registry-parity/steps.ts'
import { Watchers } from './registry-parity/watchers.ts'

// An absent service shares no first letter with another: Consul wakes those that do more rarely, by the shape of its radix tree.
const queries = [
  ...['a', 'b', 'unheard-of'].flatMap((name) => [
    `/v1/health/service/${name}`,
    `/v1/health/checks/${name}`,
    `/v1/catalog/service/${name}`,
  ]),
  '/v1/health/service/a?passing',
  '/v1/health/service/a?tag=BLUE',
  '/v1/health/service/a?stale',
  '/v1/health/state/any',
  '/v1/health/state/passing',
  '/v1/health/state/critical',
  '/v1/catalog/services',
  '/v1/catalog/nodes',
]
const agentViews = [
  '/v1/agent/services',
  '/v1/agent/checks',
  ...['a1', 'b1', 'none'].map((id) => `/v1/agent/health/service/id/${id}`),
  ...['a', 'b', 'none'].map((name) => `/v1/agent/health/service/name/${name}`),
]

interface Picture {
  /** What each path answers, without what differs from one Consul to the next. */
  readonly views: Record<string, unknown>
  readonly indexes: Record<string, number>
}

async function look(api: ConsulApi): Promise<Picture> {
  const picture: Picture = { views: {}, indexes: {} }
  for (const path of [...queries, ...agentViews]) {
    const answer = await api('GET', path)
    picture.views[path] = normalise(answer.json)
    const index = answer.headers.get('x-consul-index')
    if (index) picture.indexes[path] = Number(index)
  }
  return picture
}

/** The paths whose index a change has moved. */
function moved(before: Picture, after: Picture): string[] {
  return queries.filter((path) => (after.indexes[path] ?? 0) > (before.indexes[path] ?? 0))
}

/** Until all queries wait inside Consul, as its own list of goroutines shows: one sent a moment late would miss what ends it. */
async function untilBlocked(consul: Consul, watchers: Watchers): Promise<void> {
  for (let waiting = 0; waiting < queries.length || watchers.blocked < queries.length;) {
    await watchers.block()
    const { text } = await consul.api('GET', '/debug/pprof/goroutine?debug=1')
    // Each stack is headed by how many goroutines are in it.
    const stacks = text
      .split('\n\n')
      .filter((stack) => stack.includes('memdb.WatchSet.WatchCtx') && stack.includes('net/http'))
    waiting = stacks.reduce((sum, stack) => sum + Number.parseInt(stack, 10), 0)
  }
}

describe('the embedded registry beside a real Consul', () => {
  let consul: Consul
  let registry: Registry
  let ours: ConsulApi
  let ourWatchers: Watchers
  let theirWatchers: Watchers

  beforeAll(async () => {
    consul = await startConsul({ config: { enable_debug: true } })
    registry = createRegistry({ port: 0 })
    ours = consulApi((await registry.start()).address)
    ourWatchers = new Watchers(ours, queries)
    theirWatchers = new Watchers(consul.api, queries)
  })

  afterAll(async () => {
    ourWatchers.stop()
    theirWatchers.stop()
    await registry.close()
    await consul.stop()
  })

  it('shows the same lists, moves the same indexes and wakes the same watchers at every change', async () => {
    let ourBefore = await look(ours)
    let theirBefore = await look(consul.api)
    expect(ourBefore.views).toEqual(theirBefore.views)
    for (const [method, path, body] of steps) {
      const step = `${method} ${path} ${JSON.stringify(body) ?? ''}`
      await ourWatchers.block()
      await untilBlocked(consul, theirWatchers)
      const [our, their] = [await ours(method, path, body), await consul.api(method, path, body)]
      expect({ step, status: our.status, text: our.text }).toEqual({ step, status: their.status, text: their.text })
      const ourAfter = await look(ours)
      const ourChange = { views: ourAfter.views, moved: moved(ourBefore, ourAfter), woken: ourWatchers.ended() }
      // Consul's agent tells its servers a moment after it has answered.
      for (let attempt = 1; ; attempt++) {
        const theirAfter = await look(consul.api)
        const woken = theirWatchers.ended()
        const theirChange = { views: theirAfter.views, moved: moved(theirBefore, theirAfter), woken }
        if (attempt < 50 && !isDeepStrictEqual(ourChange, theirChange)) continue
        expect({ step, ...ourChange }).toEqual({ step, ...theirChange })
        theirBefore = theirAfter
        break
      }
      ourBefore = ourAfter
    }
  })

  for (const [method, path, body] of refusals) {
    it(`refuses ${method} ${path} ${(JSON.stringify(body) ?? '').slice(0, 80)} as Consul does`, async () => {
      const [our, their] = [await ours(method, path, body), await consul.api(method, path, body)]
      expect(our.status).toBe(their.status)
      // Why a body cannot be decoded is told in the words of the decoder.
      const reason = their.text.startsWith('Request decode failed: ') ? 'Request decode failed: ' : their.text
      expect(our.text.slice(0, reason.length)).toBe(reason)
      expect(our.status).toBeGreaterThanOrEqual(400)
    })
  }
})
