import { describe, expect, it } from 'vitest'
import { guarded, type JoinEvent } from '../../../src/join/join-event.ts'
import { leave } from '../../../src/join/leave.ts'
import { Membership } from '../../../src/join/membership.ts'
import { RegisterError } from '../../../src/join/register-error.ts'
import type { Registrar, Standing } from '../../../src/join/registrar.ts'
import type { HealthReport, Registration } from '../../../src/join/registration.ts'

const registration: Registration = {
  name: 'service',
  id: 'one',
  host: '127.0.0.1',
  port: 1,
  tags: [],
  meta: {},
  weight: null,
  check: { type: 'ttl', ttlMs: 1000 },
  deregisterAfterMs: null,
}

/** A registry in memory whose answers come when the test says so. */
class ScriptedRegistrar implements Registrar {
  readonly title = 'a registry'
  readonly hosts = []
  readonly makesChecks = true
  readonly calls: string[] = []
  readonly reports: HealthReport[] = []
  onRegister: () => Promise<void> = async () => {}
  onRenew: () => Promise<Standing> = async () => 'present'
  onDeregister: () => Promise<void> = async () => {}
  onWithdraw: () => Promise<void> = async () => {}

  warnings = () => []
  ownHost = async () => null
  sweep = async () => []
  list = async () => []
  remove = async () => {}
  close = async () => {}

  async register(_: Registration, health: HealthReport): Promise<void> {
    this.reports.push(health)
    await this.onRegister()
    this.calls.push('registered')
  }

  async renew(_: Registration, health: HealthReport): Promise<Standing> {
    this.reports.push(health)
    const standing = await this.onRenew()
    this.calls.push('renewed')
    return standing
  }

  async withdraw(): Promise<void> {
    await this.onWithdraw()
    this.calls.push('withdrawn')
  }

  async deregister(): Promise<void> {
    this.calls.push('deregister')
    await this.onDeregister()
  }
}

function stage(report: () => HealthReport | Promise<HealthReport> = () => ({ status: 'passing', note: '' })) {
  const registrar = new ScriptedRegistrar()
  const events: JoinEvent['type'][] = []
  const onEvent = ({ type }: JoinEvent): void => void events.push(type)
  const membership = new Membership({ registrar, registration, report, onEvent, random: () => 0 })
  const leaveNow = () => {
    return leave({ membership, registrar, drain: null, settleMs: 0, drainDeadlineMs: 0, onEvent })
  }
  return { registrar, events, membership, leaveNow }
}

describe('an instance that leaves', () => {
  it('waits for a registration under way: one that came behind the deregistration would put it back', async () => {
    const { registrar, membership, leaveNow } = stage()
    const answer = Promise.withResolvers<void>()
    registrar.onRegister = () => answer.promise
    void membership.start()
    while (registrar.reports.length === 0) await new Promise(setImmediate)
    const left = leaveNow()
    await new Promise(setImmediate)
    expect(registrar.calls).toEqual([])
    answer.resolve()
    await left
    expect(registrar.calls).toEqual(['registered', 'withdrawn', 'deregister'])
  })

  it('ends the wait of who waits for its first registration', async () => {
    const { registrar, membership, leaveNow } = stage()
    registrar.onRegister = () => Promise.reject(new RegisterError('unreachable', 'nobody there'))
    const joined = membership.start()
    while (registrar.reports.length === 0) await new Promise(setImmediate)
    await leaveNow()
    await joined
    expect(membership.state).toBe('left')
  })

  it('leaves though its health does not answer', async () => {
    const { membership, leaveNow } = stage(() => new Promise(() => {}))
    void membership.start()
    await leaveNow()
    expect(membership.state).toBe('left')
  })

  it('is deregistered though the registry had a moment’s trouble', async () => {
    const { registrar, membership, events, leaveNow } = stage()
    await membership.start()
    let failures = 1
    registrar.onDeregister = async () => {
      if (failures-- > 0) throw new RegisterError('failed', 'a moment')
    }
    await leaveNow()
    expect(registrar.calls).toEqual(['registered', 'withdrawn', 'deregister', 'deregister'])
    expect(events).toEqual(['registered', 'withdrawn', 'deregistered'])
  })

  it('is out of choice first, too, where the last heartbeat had failed', async () => {
    const { registrar, membership, leaveNow } = stage()
    await membership.start()
    const failed = Promise.withResolvers<void>()
    registrar.onRenew = () => {
      failed.resolve()
      return Promise.reject(new RegisterError('failed', 'a moment'))
    }
    membership.beatNow()
    await failed.promise
    while (membership.state !== 'lost') await new Promise(setImmediate)
    await leaveNow()
    expect(registrar.calls).toEqual(['registered', 'withdrawn', 'deregister'])
  })
})

describe('heartbeats', () => {
  it('go on where the health does not answer, and say so', async () => {
    let isHanging = false
    const { registrar, membership, leaveNow } = stage(() => {
      return isHanging ? new Promise(() => {}) : { status: 'passing', note: '' }
    })
    await membership.start()
    isHanging = true
    while (registrar.reports.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(registrar.reports[1]).toMatchObject({ status: 'critical', note: expect.stringContaining('not told') })
    await leaveNow()
  })

  it('are sent again where the instance asks for one while one is under way', async () => {
    const { registrar, membership, leaveNow } = stage()
    const answer = Promise.withResolvers<void>()
    registrar.onRegister = () => answer.promise
    const joined = membership.start()
    while (registrar.reports.length === 0) await new Promise(setImmediate)
    membership.beatNow()
    answer.resolve()
    await joined
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(registrar.reports).toHaveLength(2)
    await leaveNow()
  })
})

describe('a listener to events that throws', () => {
  it('is told of, and ends nothing', () => {
    const event: JoinEvent = { type: 'back', name: 'service', id: 'one', message: 'there again' }
    const listener = guarded(() => {
      throw new Error('mine')
    })
    expect(() => listener(event)).not.toThrow()
  })
})
