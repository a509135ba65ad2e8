import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { Succession } from '../support/handover.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { RawTraffic } from '../support/raw-traffic.ts'

async function stage(changes: Partial<ConfigInput> = {}) {
  const instances = await startInstances('only', 2)
  onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
  const config = configOf(instances, changes)
  const succession = await Succession.start(config)
  onTestFinished(async () => succession.close())
  return { instances, config, succession }
}

function configOf(instances: readonly Instance[], changes: Partial<ConfigInput>): ConfigInput {
  return {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { only: instances.map(({ port }) => `127.0.0.1:${port}`) } } },
    routes: [{ path: '/', service: 'only' }],
    ...changes,
  }
}

describe.each([
  { workers: 2, engine: 'fast' },
  { workers: 0, engine: 'fast' },
  { workers: 2, engine: 'standard' },
] as const)(
  'a gateway of $workers threads and engine $engine, replaced four times under load',
  ({ workers, engine }) => {
    it('answers every request, and resets no connection', async () => {
      const { succession } = await stage({ workers, listeners: [{ name: 'edge', address: '127.0.0.1:0', engine }] })
      const port = succession.port()
      const kept = new RawTraffic(port, 4)
      const single = new RawTraffic(port, 4, { keepAlive: false })
      for (let i = 1; i <= 4; i++) {
        await Promise.all([kept.more(200), single.more(200)])
        await succession.handOver()
        await succession.nth('stopped', i)
      }
      await Promise.all([kept.more(200), single.more(200)])

      expect((await kept.stop()).failed).toEqual([])
      expect((await single.stop()).failed).toEqual([])
      expect(succession.generations.map(({ listeners }) => listeners[0]?.port)).toEqual(Array(5).fill(port))
      expect(new Set(succession.generations.map(({ pid }) => pid)).size).toBe(5)
      expect(new Set(succession.generations.map(({ admin }) => admin.port)).size).toBe(1)
      expect(succession.lines('stopped').map(({ cut }) => cut)).toEqual([0, 0, 0, 0])
      expect(succession.log.lines.filter(({ level }) => level === 'error')).toEqual([])
      expect(await succession.first.exited()).toBe(0)
    })
  },
)
