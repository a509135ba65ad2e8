import { expect, it } from 'vitest'
import { InstanceTable } from '../../../../src/discovery/mdns/instance-table.ts'
import { mdnsLimits } from '../../../../src/discovery/mdns/options.ts'
import { serviceName, type ServiceName } from '../../../../src/discovery/mdns/service-name.ts'
import { responseWith } from '../../../support/mdns-packets.ts'

it('reads as many new texts as there may be instances, then a hundred a second, and keeps the text it has', () => {
  const limits = { ...mdnsLimits, maxInstances: 10 }
  const context = { limits, random: () => 0, isOnLink: () => true }
  const table = new InstanceTable('_http._tcp', serviceName('_http._tcp', 'local') as ServiceName, context, 0)
  const name = 'one._http._tcp.local'
  const say = (version: number, nowMs: number) => {
    const data = { port: 80, target: 'box.local', weight: 0, priority: 0 }
    table.hear(
      responseWith([
        { type: 'SRV', name, ttl: 120, data },
        { type: 'TXT', name, ttl: 120, data: [Buffer.from(`version=${version}`)] },
        { type: 'A', name: 'box.local', ttl: 120, data: '192.0.2.7' },
      ]),
      nowMs,
    )
    const instance = [...table.instances][0]?.toInstance(nowMs)
    return typeof instance === 'object' ? instance?.version : instance
  }
  for (let version = 1; version <= 100; version++) say(version, 0)
  expect(say(100, 0)).toBe('10')
  expect(say(101, 5)).toBe('10')
  expect(say(102, 20)).toBe('102')
  expect(say(103, 20)).toBe('103')
  expect(say(104, 20)).toBe('103')
})
