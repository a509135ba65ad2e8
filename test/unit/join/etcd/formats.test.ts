import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EtcdFormat, formats } from '../../../../src/discovery/etcd/formats/index.ts'
import { type ValueFormatName, valueFormats } from '../../../../src/join/etcd/formats/index.ts'
import type { Registration } from '../../../../src/join/registration.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('web.example.com', 'a-1', 'x_y.local'))
const registrations: fc.Arbitrary<Registration> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z.-]{0,12}$/),
  id: fc.stringMatching(/^[a-z0-9.-]{1,12}$/),
  host,
  port: fc.integer({ min: 1, max: 65_535 }),
  tags: fc.array(text, { maxLength: 3 }),
  meta: fc.dictionary(fc.oneof(fc.constantFrom('version', 'zone', 'team', '__proto__'), text), text, {
    noNullPrototype: true,
  }),
  weight: fc.option(fc.integer({ min: 1, max: 65_535 })),
  check: fc.constant({ type: 'ttl', ttlMs: 15_000 } as const),
  deregisterAfterMs: fc.constant(60_000),
})

/** As the source of the format, and one that tells formats by the values, read it. */
function read(format: ValueFormatName, value: string, id: string) {
  const readers: readonly EtcdFormat[] = [format, 'auto']
  const [one, auto] = readers.map((reader) => formats[reader](value, id))
  expect(auto).toEqual(one)
  if (typeof one === 'string' || one?.length !== 1) throw new Error(`${value} is read as ${JSON.stringify(one)}`)
  return one[0]!
}

describe.each(Object.keys(valueFormats) as ValueFormatName[])('what is written as %s', (name) => {
  const format = valueFormats[name]

  it('is read as it was said, as far as the format has words for it', () => {
    fc.assert(
      fc.property(registrations, (registration) => {
        const { id, port, tags, weight, meta } = registration
        const found = read(name, format.write(registration), id)
        expect(found).toMatchObject({ id, host: registration.host.toLowerCase(), port, status: 'passing' })
        expect(found.weight).toBe(format.carries.includes('weight') ? (weight ?? 1) : 1)
        expect(found.tags).toEqual(format.carries.includes('tags') ? tags : [])
        // Kratos says by its URL what others say by metadata.
        const { protocol: _, isSecure: __, ...said } = format.carries.includes('meta') ? meta : {}
        const { protocol: ___, isSecure: ____, ...seen } = found.meta
        expect(new Map(Object.entries(seen))).toEqual(new Map(Object.entries(said)))
        expect(found).toMatchObject({ version: said.version ?? '', zone: said.zone ?? '' })
      }),
    )
  })
})

it('JSON has a word for one that leaves: its weight is 0, and nothing else is lost', () => {
  fc.assert(
    fc.property(registrations, (registration) => {
      const { id } = registration
      const before = read('json', valueFormats.json.write(registration), id)
      expect(read('json', valueFormats.json.writeOut(registration), id)).toEqual({ ...before, weight: 0 })
    }),
  )
})

it('Kratos is told gRPC and TLS by the metadata', () => {
  const said = { name: 'x', id: 'a', host: '10.0.0.1', port: 9000, tags: [], weight: null } as const
  const meta = { protocol: 'grpc', isSecure: 'true' }
  const check = { type: 'ttl', ttlMs: 15_000 } as const
  const value = valueFormats.kratos.write({ ...said, meta, check, deregisterAfterMs: null })
  expect(JSON.parse(value)).toMatchObject({ endpoints: ['grpc://10.0.0.1:9000?isSecure=true'] })
  expect(read('kratos', value, 'a').meta).toEqual(meta)
})
