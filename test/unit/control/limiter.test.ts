import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../../src/control/limiter.ts'
import { Prober } from '../../../src/control/prober.ts'
import { settled } from './fake-clock.ts'

describe('a limiter', () => {
  it('runs so many at once, in order, and gives back what they give', async () => {
    const limit = createLimiter(2)
    const started: number[] = []
    const finish: (() => void)[] = []
    const results = [1, 2, 3, 4].map((n) =>
      limit(async () => {
        started.push(n)
        await new Promise<void>((resolve) => finish.push(resolve))
        return n * 10
      }),
    )
    await settled()
    expect(started).toEqual([1, 2])
    finish[1]?.()
    await settled()
    expect(started).toEqual([1, 2, 3])
    finish[0]?.()
    await settled()
    finish[2]?.()
    finish[3]?.()
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40])
  })

  it('goes on after a task that failed', async () => {
    const limit = createLimiter(1)
    const failing = limit(() => Promise.reject(new Error('no')))
    const next = limit(() => Promise.resolve('yes'))
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})

describe('the prober', () => {
  it('takes a probe that throws for one that says nothing', async () => {
    const prober = new Prober(() => Promise.reject(new Error('no')), 1)
    expect(await prober.connect('10.0.0.1', 1, 1)).toBe('unknown')
  })

  it('aborts what runs and starts nothing more when it is closed', async () => {
    const started: number[] = []
    const prober = new Prober(
      (_host, port, _timeoutMs, signal) =>
        new Promise((resolve) => {
          started.push(port)
          signal.addEventListener('abort', () => resolve('unknown'))
        }),
      1,
    )
    const results = [1, 2].map((port) => prober.connect('10.0.0.1', port, 1))
    await settled()
    prober.close()
    expect(await Promise.all(results)).toEqual(['unknown', 'unknown'])
    expect(started).toEqual([1])
  })
})
