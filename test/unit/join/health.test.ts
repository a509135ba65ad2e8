import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type CheckFunction, health, register } from '../../../src/register.ts'
import { createRegistry } from '../../../src/registry/registry.ts'

/** A dependency whose answers the test gives. */
function dependency() {
  const asked: PromiseWithResolvers<boolean>[] = []
  const check: CheckFunction = () => {
    const answer = Promise.withResolvers<boolean>()
    asked.push(answer)
    return answer.promise
  }
  return { check, asked }
}

describe('the health of a service', () => {
  it('is a pass without checks', async () => {
    expect(await health().readiness()).toEqual({ status: 'pass', checks: {} })
  })

  it.each([
    ['nothing', () => undefined, 'pass', undefined],
    ['true', () => true, 'pass', undefined],
    ['false', () => false, 'fail', undefined],
    ['a rejection', () => Promise.reject(new Error('no route')), 'fail', 'no route'],
    [
      'an exception',
      () => {
        throw new Error('broken')
      },
      'fail',
      'broken',
    ],
    ['a warning', () => ({ status: 'warn', output: 'slow' }) as const, 'warn', 'slow'],
  ] satisfies [string, CheckFunction, string, string | undefined][])(
    'takes %s of a check',
    async (_, check, status, output) => {
      const state = await health({ checks: { db: check } }).readiness()
      expect(state.status).toBe(status)
      expect(state.checks.db).toMatchObject({ status, ...(output !== undefined && { output }) })
    },
  )

  it.each([
    ['null', null, 'pass'],
    ['a text', 'PONG', 'pass'],
    ['an answer of a database', { rows: [] }, 'pass'],
    ['a word that is no status', { status: 'down' }, 'fail'],
  ])('takes %s of a check that is not typed', async (_, found, status) => {
    const state = await health({ checks: { db: (() => found) as unknown as CheckFunction } }).readiness()
    expect(state).toMatchObject({ status, checks: { db: { status } } })
  })

  it('is as bad as the worst of them', async () => {
    const checks = { a: () => true, b: () => ({ status: 'warn' }) as const, c: () => false }
    expect((await health({ checks }).readiness()).status).toBe('fail')
  })

  it('is a warning where only what it can do without fails', async () => {
    const h = health({ checks: { cache: { check: () => false, failsAs: 'warn' } } })
    expect((await h.readiness()).status).toBe('warn')
    expect(await h.report()).toEqual({ status: 'warning', note: 'cache: warn' })
  })

  it('tells a registry what is wrong', async () => {
    const h = health({ checks: { db: () => Promise.reject(new Error('no route')), ok: () => true } })
    expect(await h.report()).toEqual({ status: 'critical', note: 'db: no route' })
  })

  it('fails from when the service is leaving, and it is alive still', async () => {
    const h = health({ checks: { db: () => true } })
    h.leaving()
    expect(await h.report()).toEqual({ status: 'critical', note: 'leaving' })
    expect((await h.answer('/readyz'))?.code).toBe(503)
    expect((await h.answer('/livez'))?.code).toBe(200)
  })

  it('is what it is again when an instance that had left joins anew', async () => {
    const registry = createRegistry({ port: 0 })
    onTestFinished(() => registry.close())
    const { address } = await registry.start()
    const wellness = health()
    const options = { name: 'again', port: 1, address: '127.0.0.1', registry: address.replace('http:', 'consul:') }
    for (let time = 0; time < 2; time++) {
      const joined = await register({ ...options, health: wellness, settle: 0, leaveOn: [], onEvent: () => {} })
      expect((await wellness.readiness()).status).toBe('pass')
      await joined.leave()
      expect((await wellness.readiness()).status).toBe('fail')
    }
  })

  it('is that of all instances that share it: only the last to leave ends it', async () => {
    const registry = createRegistry({ port: 0 })
    onTestFinished(() => registry.close())
    const { address } = await registry.start()
    const wellness = health()
    const common = { address: '127.0.0.1', settle: 0, leaveOn: [], onEvent: () => {}, health: wellness }
    const join = (name: string, meta = {}) => {
      return register({ ...common, name, port: 1, registry: address.replace('http:', 'consul:'), meta })
    }
    const [one, two] = await Promise.all([join('one'), join('two')])
    // One that is refused has no part in it.
    await expect(join('three', { 'no key': '' })).rejects.toMatchObject({ code: 'refused' })
    await one.leave()
    await one.leave()
    expect(await wellness.report()).toEqual({ status: 'passing', note: '' })
    await two.leave()
    expect(await wellness.report()).toEqual({ status: 'critical', note: 'leaving' })
  })

  it('has liveness apart from what it depends on', async () => {
    const h = health({ checks: { db: () => false }, liveness: { loop: () => true } })
    expect((await h.answer('/livez'))?.code).toBe(200)
    expect((await h.answer('/health'))?.code).toBe(503)
  })

  it.each([
    [undefined, 200],
    [429 as const, 429],
  ])('with warnCode %s answers a warning with %i', async (warnCode, code) => {
    const checks = { cache: () => ({ status: 'warn' }) as const }
    const h = health({ checks, ...(warnCode !== undefined && { warnCode }) })
    expect((await h.answer('/health'))?.code).toBe(code)
  })

  it('shows each check with its state and time', async () => {
    const h = health({ checks: { db: () => ({ status: 'warn', output: 'slow' }) as const }, version: '3' })
    expect(JSON.parse((await h.answer('/health'))?.body ?? '')).toEqual({
      status: 'warn',
      version: '3',
      checks: {
        'db:responseTime': [
          {
            status: 'warn',
            observedValue: expect.any(Number) as number,
            observedUnit: 'ms',
            time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
            output: 'slow',
          },
        ],
      },
    })
  })

  it.each([
    [{ timeout: 'soon' }, '`timeout` is a time'],
    [{ checks: { db: { check: () => true, timeout: '-1s' } } }, '`checks.db.timeout` is a time'],
    [{ checks: { db: 5 as unknown as CheckFunction } }, '`db` is no function'],
  ])('refuses %o', (options, why) => {
    expect(() => health(options)).toThrow(why)
  })
})

describe('a slow check', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('is a failure after its timeout, and blocks no other', async () => {
    const slow = dependency()
    const h = health({ checks: { slow: { check: slow.check, timeout: '50ms' }, quick: () => true }, timeout: '2s' })
    const asked = h.readiness()
    await vi.advanceTimersByTimeAsync(50)
    const state = await asked
    expect(state.checks.slow).toMatchObject({ status: 'fail', output: 'no answer within 50 ms', tookMs: 50 })
    expect(state.checks.quick).toMatchObject({ status: 'pass' })
  })

  it('has its signal aborted', async () => {
    let signal: AbortSignal | undefined
    const check: CheckFunction = (given) => {
      signal = given
      return new Promise(() => {})
    }
    const asked = health({ checks: { check }, timeout: 50 }).readiness()
    await vi.advanceTimersByTimeAsync(50)
    await asked
    expect(signal?.aborted).toBe(true)
  })

  it('is not begun again while it is under way', async () => {
    const slow = dependency()
    const h = health({ checks: { slow: slow.check }, timeout: 50, cacheFor: 0 })
    for (let look = 0; look < 3; look++) {
      const asked = h.readiness()
      await vi.advanceTimersByTimeAsync(50)
      expect((await asked).status).toBe('fail')
    }
    expect(slow.asked).toHaveLength(1)
    slow.asked[0]?.resolve(true)
    await vi.advanceTimersByTimeAsync(0)
    const again = h.readiness()
    slow.asked[1]?.resolve(true)
    expect((await again).status).toBe('pass')
  })
})

describe('many who ask', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('cost one look, and one more when it has grown old', async () => {
    const db = dependency()
    const h = health({ checks: { db: db.check }, cacheFor: '1s' })
    const asked = Promise.all([h.readiness(), h.report(), h.answer('/health')])
    expect(db.asked).toHaveLength(1)
    db.asked[0]?.resolve(true)
    await asked
    await vi.advanceTimersByTimeAsync(999)
    await h.readiness()
    expect(db.asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    const again = h.readiness()
    expect(db.asked).toHaveLength(2)
    db.asked[1]?.resolve(false)
    expect((await again).status).toBe('fail')
  })
})
