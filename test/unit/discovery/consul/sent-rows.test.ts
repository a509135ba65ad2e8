import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInstances, type ServiceReading } from '../../../../src/discovery/consul/instances.ts'
import { SentRows } from '../../../../src/discovery/consul/sent-rows.ts'
import { serviceRow } from '../../../support/scripted-registry.ts'

const url = 'https://agent/v1/health/service/web'

function sent(text: string): SentRows | null {
  return SentRows.of(Buffer.from(text), url)
}

function readSent(rows: readonly unknown[], before?: ServiceReading) {
  return readInstances('web', sent(JSON.stringify(rows)) ?? [], null, before)
}

/** What the text says, read row by row; null where it is no list, or one of its rows no JSON. */
function readByRow(text: string): readonly unknown[] | null {
  const rows = sent(text)
  if (rows === null) return null
  try {
    return Array.from({ length: rows.length }, (_, row) => rows.parse(row))
  } catch {
    return null
  }
}

function readWhole(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

describe('the rows of a list', () => {
  it('are those that a parser of the whole finds, whatever is in them', () => {
    const spaces = fc.constantFrom<string | number>('', 0, 1, '\t', '\r\n')
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), spaces, (list, space) => {
        const text = JSON.stringify(list, null, space)
        expect(readByRow(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('are none where a parser of the whole finds none, wherever the text is broken', () => {
    const odd = fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', ' ', 'x', '')
    const text = fc.array(fc.jsonValue(), { minLength: 1 }).map((list) => JSON.stringify(list))
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(3), odd, (whole, place, length, put) => {
        const at = place % (whole.length + 1)
        const broken = whole.slice(0, at) + put + whole.slice(at + length)
        expect(readByRow(broken)).toEqual(readWhole(broken))
      }),
      { numRuns: 3000 },
    )
  })

  it.each(['', ' ', '{}', '"[]"', '[', '[1', '[1}', '[1]]', '[] []', '["', '["\\'])('are none in %j', (text) => {
    expect(sent(text)).toBeNull()
  })

  it.each(['[,]', '[1,]', '[1,,2]', '[{]]', '[1 2]'])('are no JSON in %j, and say where that came from', (text) => {
    const rows = sent(text)
    const read = () => Array.from({ length: rows?.length ?? 0 }, (_, row) => rows?.parse(row))
    expect(read).toThrow(url)
  })

  it('have the same mark where their text is the same', () => {
    const rows = sent('[{"a":1}, {"a":1},{"a":2},{"a":1}]')
    const marks = [0, 1, 2, 3].map((row) => rows?.mark(row))
    expect(marks[3]).toBe(marks[0])
    expect(new Set(marks).size).toBe(3)
  })
})

describe('instances of rows as they were sent', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd')
  const row = fc
    .record({
      id: ids,
      Port: fc.constantFrom<unknown>(80, 81, 0, '80'),
      Status: fc.constantFrom('passing', 'critical'),
      Tags: fc.constantFrom(['blue'], ['v-789cff'], 'blue'),
      ServiceID: fc.constantFrom('', 'a'),
    })
    .map(({ id, Port, Tags, ...check }) =>
      serviceRow({ id, service: { Port, Tags }, checks: [{ CheckID: 'c', ...check }] }),
    )

  it('are those of the same rows parsed, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 6 }), { maxLength: 6 }), (answers) => {
        let before: ServiceReading | undefined
        for (const rows of answers) {
          before = readSent(rows, before)
          const { known: _known, ...reading } = before
          const { known: _, ...whole } = readInstances('web', rows)
          expect(reading).toEqual(whole)
        }
      }),
    )
  })

  it('stay the same objects while their rows do, and are new ones when those change', () => {
    const [a, b, changed] = [
      serviceRow({ id: 'a' }),
      serviceRow({ id: 'b' }),
      serviceRow({ id: 'b', service: { Port: 81 } }),
    ]
    const before = readSent([a, b])
    const after = readSent([changed, a], before)
    expect(after.instances[0]).toBe(before.instances[0])
    expect(after.instances[1]).toMatchObject({ id: 'b', port: 81 })
    expect(after.known.map(({ instance }) => instance)).toEqual([after.instances[1], after.instances[0]])
    const left = readSent([a], after)
    expect(left.instances).toEqual([before.instances[0]])
    expect(left.known).toHaveLength(1)
  })

  it('stay the same objects where their rows say something else that does not matter, and are known by them', () => {
    const check = { CheckID: 'service:a', Status: 'passing', ServiceID: 'a' }
    const [silent, talking] = ['', '200 OK'].map((Output) => serviceRow({ id: 'a', checks: [{ ...check, Output }] }))
    const before = readSent([silent])
    const after = readSent([talking], before)
    expect(after.instances[0]).toBe(before.instances[0])
    expect(after.known[0]?.instance).toBe(before.instances[0])
    expect(after.known[0]?.mark).not.toBe(before.known[0]?.mark)
  })
})
