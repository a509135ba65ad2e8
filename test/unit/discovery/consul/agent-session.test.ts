import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AgentSession } from '../../../../src/discovery/consul/multiplexed/agent-session.ts'
import type { Connection } from '../../../../src/discovery/consul/multiplexed/connection.ts'
import { consulLimits } from '../../../../src/discovery/consul/options.ts'

class PlayedConnection implements Connection {
  onChange = () => {}
  isOpen = true
  readonly maxQueries = 2
  readonly takesQueries = true
  probes = 0

  async ask(): Promise<never> {
    throw new Error('nobody asks here')
  }

  probe(): void {
    this.probes++
  }

  destroy(): void {
    this.isOpen = false
    this.onChange()
  }
}

describe('a session with an agent', () => {
  it('leaves no timer behind when its connection ends', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const connection = new PlayedConnection()
    const session = new AgentSession(connection, consulLimits.multiplexed)
    expect(vi.getTimerCount()).toBe(2)
    session.take()
    expect(vi.getTimerCount()).toBe(1)
    connection.destroy()
    expect(vi.getTimerCount()).toBe(0)
    session.leave()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a connection that has left two probes without an answer', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const connection = new PlayedConnection()
    const session = new AgentSession(connection, consulLimits.multiplexed)
    session.take()
    vi.advanceTimersByTime(2 * consulLimits.multiplexed.probeIntervalMs)
    expect([connection.probes, session.isOpen]).toEqual([2, true])
    vi.advanceTimersByTime(consulLimits.multiplexed.probeIntervalMs)
    expect([connection.probes, session.isOpen]).toEqual([2, false])
  })
})
