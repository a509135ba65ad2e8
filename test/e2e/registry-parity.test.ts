import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { startConsul, type Consul } from '../support/consul.ts'
import { normalise } from './registry-parity/normalise.ts'
import { refusals } from './registry-parity/refusals.ts'
import { keySteps, type Step, steps } from './registry-parity/steps.ts'
import { Watchers } from './registry-parity/watchers.ts'

// An absent service shares no first letter with another: Consul wakes those that do more rarely, by the shape of its radix tree.
const catalogQueries = [
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
  '/v1/health/node/consul-under-test',
  '/v1/catalog/services',
  '/v1/catalog/nodes',
  '/v1/catalog/node/consul-under-test',
]
const keyQueries = [
  ...['k/one', 'unheard-of'].map((key) => `/v1/kv/${key}`),
  ...['k/', 'k/deep', 'unheard-of', ''].map((prefix) => `/v1/kv/${prefix}?recurse`),
  '/v1/kv/k/?keys&separator=/',
]
const agentViews = [
  '/v1/agent/services',
  '/v1/agent/checks',
  ...['a1', 'b1', 'none'].map((id) => `/v1/agent/health/service/id/${id}`),
  ...['a', 'b', 'none'].map((name) => `/v1/agent/health/service/name/${name}`),
  '/v1/catalog/datacenters',
  '/v1/catalog/node/none',
]

/** What is done, what is followed with blocking queries meanwhile, and what is looked at besides. */
interface Story {
  readonly steps: readonly Step[]
  readonly queries: readonly string[]
  readonly views: readonly string[]
}

const stories: Readonly<Record<string, Story>> = {
  'services and checks': { steps, queries: catalogQueries, views: agentViews },
  keys: { steps: keySteps, queries: keyQueries, views: ['/v1/kv/?keys', '/v1/kv/k/one?raw'] },
}

interface Picture {
  /** What each path answers, without what differs from one Consul to the next. */
  readonly views: Record<string, unknown>
  readonly indexes: Record<string, number>
}

async function look(api: ConsulApi, { queries, views }: Story): Promise<Picture> {
  const picture: Picture = { views: {}, indexes: {} }
  for (const path of [...queries, ...views]) {
    const answer = await api('GET', path)
    picture.views[path] = answer.json === undefined ? [answer.status, answer.text] : normalise(answer.json)
    const index = answer.headers.get('x-consul-index')
    if (index) picture.indexes[path] = Number(index)
  }
  return picture
}

/** `path` with `MODIFIED` as the index of the key that it names. */
async function withIndex(api: ConsulApi, path: string): Promise<string> {
  if (!path.includes('MODIFIED')) return path
  const entry = await api<{ ModifyIndex: number }[]>('GET', path.slice(0, path.indexOf('?')))
  return path.replace('MODIFIED', String(entry.json?.[0]?.ModifyIndex))
}

/** The paths whose index a change has moved. */
function moved(before: Picture, after: Picture, queries: readonly string[]): string[] {
  return queries.filter((path) => (after.indexes[path] ?? 0) > (before.indexes[path] ?? 0))
}

/** Until all queries wait inside Consul, as its own list of goroutines shows: one sent a moment late would miss what ends it. */
async function untilBlocked(consul: Consul, watchers: Watchers, count: number): Promise<void> {
  for (let waiting = 0; waiting < count || watchers.blocked < count;) {
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

  beforeAll(async () => {
    consul = await startConsul({ config: { enable_debug: true } })
    registry = createRegistry({ port: 0, nodeName: 'consul-under-test' })
    ours = consulApi((await registry.start()).address)
  })

  afterAll(async () => {
    await registry.close()
    await consul.stop()
  })

  it.each(Object.entries(stories))(
    'shows the same %s, moves the same indexes and wakes the same watchers',
    async (_, story) => {
      const ourWatchers = new Watchers(ours, story.queries)
      const theirWatchers = new Watchers(consul.api, story.queries)
      onTestFinished(() => {
        ourWatchers.stop()
        theirWatchers.stop()
      })
      let ourBefore = await look(ours, story)
      let theirBefore = await look(consul.api, story)
      expect(ourBefore.views).toEqual(theirBefore.views)
      for (const [method, template, body] of story.steps) {
        const ourPath = await withIndex(ours, template)
        const path = await withIndex(consul.api, template)
        const step = `${method} ${template} ${JSON.stringify(body) ?? ''}`
        await ourWatchers.block()
        await untilBlocked(consul, theirWatchers, story.queries.length)
        const [our, their] = [await ours(method, ourPath, body), await consul.api(method, path, body)]
        // A development Consul writes JSON for people, with a line's end.
        const theirText = their.text.trim()
        expect({ step, status: our.status, text: our.text }).toEqual({ step, status: their.status, text: theirText })
        const ourAfter = await look(ours, story)
        const ourChange = {
          views: ourAfter.views,
          moved: moved(ourBefore, ourAfter, story.queries),
          woken: ourWatchers.ended(),
        }
        // Consul's agent tells its servers a moment after it has answered.
        for (let attempt = 1; ; attempt++) {
          const theirAfter = await look(consul.api, story)
          const woken = theirWatchers.ended()
          const theirChange = { views: theirAfter.views, moved: moved(theirBefore, theirAfter, story.queries), woken }
          if (attempt < 50 && !isDeepStrictEqual(ourChange, theirChange)) continue
          expect({ step, ...ourChange }).toEqual({ step, ...theirChange })
          theirBefore = theirAfter
          break
        }
        ourBefore = ourAfter
      }
    },
  )

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
