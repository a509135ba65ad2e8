import { describe, expect, it } from 'vitest'
import { Fields } from '../../../src/registry/fields.ts'

describe('fields of a request body', () => {
  it('are found in any case and with underscores', () => {
    const fields = new Fields({ SERVICE_ID: 'a', tagS: ['x'] })
    expect([fields.string('ServiceID'), fields.strings('Tags')]).toEqual(['a', ['x']])
  })

  it('are empty where absent or null', () => {
    const fields = new Fields({ Name: null, Port: null })
    expect([fields.string('Name'), fields.integer('Port'), fields.strings('Tags'), fields.boolean('On')]).toEqual([
      '',
      0,
      [],
      false,
    ])
    expect([fields.object('Check'), fields.entries('Meta', String)]).toEqual([null, null])
  })

  it('hold durations as text or in nanoseconds, never longer than a timer runs', () => {
    const fields = new Fields({ A: '1m', B: 2e9, C: '10000h' })
    expect([fields.durationMs('A'), fields.durationMs('B'), fields.durationMs('C')]).toEqual([
      60_000,
      2000,
      2 ** 31 - 1,
    ])
  })

  it('keep a key that JavaScript gives a meaning of its own', () => {
    const fields = new Fields(JSON.parse('{"Meta":{"__proto__":"x"}}'))
    expect(Object.entries(fields.entries('Meta', String) ?? {})).toEqual([['__proto__', 'x']])
  })

  it('name their place when they are of the wrong type', () => {
    const fields = new Fields({ Check: { TTL: true }, Checks: [{}, { Name: 1 }] })
    expect(() => fields.object('Check')?.durationMs('TTL')).toThrow(
      'Request decode failed: Check.TTL must be a duration such as "10s"',
    )
    expect(() => fields.objects('Checks')[1]?.string('Name')).toThrow(
      'Request decode failed: Checks[1].Name must be a string',
    )
  })

  it('that nobody asked for are refused', () => {
    const fields = new Fields({ Name: 'x', Nmae: 'y' })
    fields.string('Name')
    expect(() => fields.refuseUnknown()).toThrow('Request decode failed: json: unknown field "Nmae"')
  })

  it('that Consul has and the registry lacks are refused only when they say something', () => {
    const fields = new Fields({ Kind: '', Proxy: { DestinationServiceName: 'x' } })
    fields.refuse('Kind', 'Leave it out.')
    expect(() => fields.refuse('Proxy', 'Leave it out.')).toThrow(
      'Proxy is not supported by this registry. Leave it out.',
    )
  })
})
