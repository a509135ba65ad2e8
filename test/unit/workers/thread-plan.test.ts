import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { type Open, type PortSharing, probePortSharing } from '../../../src/workers/share-ports.ts'
import { planThreads } from '../../../src/workers/thread-plan.ts'

function failing(code: string): Error {
  return Object.assign(new Error(`listen ${code}`), { code })
}

/** A system on which the n-th listener can't be opened, counted from 1; says what was asked for, and what was closed. */
function system(failsAt: number, code: string) {
  const opened: unknown[] = []
  let closed = 0
  const open: Open = async (options) => {
    opened.push(options)
    if (opened.length === failsAt) throw failing(code)
    return { port: 5555, close: () => void closed++ }
  }
  return { open, opened, closed: () => closed }
}

describe('probePortSharing', () => {
  it('finds that threads can share ports here', async () => {
    expect(await probePortSharing()).toEqual({ works: true })
  })

  it('opens two listeners on one port, and leaves none open', async () => {
    const { open, opened, closed } = system(0, '')
    expect(await probePortSharing(open)).toEqual({ works: true })
    expect(opened).toEqual([
      { host: '127.0.0.1', reusePort: true, port: 0 },
      { host: '127.0.0.1', reusePort: true, port: 5555 },
    ])
    expect(closed()).toBe(2)
  })

  it.each([
    [1, 'ENOTSUP'],
    [1, 'EINVAL'],
    [2, 'EADDRINUSE'],
  ])('finds that they can not when listener %i fails with %s', async (failsAt, code) => {
    const { open, closed } = system(failsAt, code)
    expect(await probePortSharing(open)).toEqual({ works: false, code })
    expect(closed()).toBe(failsAt - 1)
  })
})

const works = () => Promise.resolve<PortSharing>({ works: true })
const fails = () => Promise.resolve<PortSharing>({ works: false, code: 'ENOTSUP' })

async function plan(wanted: number | 'auto', probe: () => Promise<PortSharing>) {
  const fewer: [number, string][] = []
  const threads = await planThreads(wanted, (asked, code) => fewer.push([asked, code]), probe)
  return { threads, fewer }
}

const never = () => Promise.reject(new Error('was asked'))

describe('planThreads', () => {
  it('gives as many as are wanted where ports can be shared', async () => {
    expect(await plan(3, works)).toEqual({ threads: { workers: 3, sharesPorts: true }, fewer: [] })
    expect(await plan(1, works)).toEqual({ threads: { workers: 1, sharesPorts: true }, fewer: [] })
    expect(await plan('auto', works)).toEqual({
      threads: { workers: availableParallelism(), sharesPorts: true },
      fewer: [],
    })
  })

  it('gives one where they can not, and says so if more were wanted', async () => {
    expect(await plan(3, fails)).toEqual({ threads: { workers: 1, sharesPorts: false }, fewer: [[3, 'ENOTSUP']] })
    expect(await plan(1, fails)).toEqual({ threads: { workers: 1, sharesPorts: false }, fewer: [] })
  })

  it('asks nothing for the main thread', async () => {
    expect(await plan(0, never)).toEqual({ threads: { workers: 0, sharesPorts: false }, fewer: [] })
  })
})
