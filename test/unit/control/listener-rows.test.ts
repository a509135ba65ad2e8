import { describe, expect, it } from 'vitest'
import type { ListenerEntry } from '../../../src/control/control-config.ts'
import { ListenerRows } from '../../../src/control/listener-rows.ts'
import { Ledger } from '../../../src/core/ledger.ts'

function entry(name: string, connectionsPerClient: number | null = null): ListenerEntry {
  return {
    name,
    host: '127.0.0.1',
    port: 8080,
    engine: 'fast',
    trustedProxies: [],
    tls: null,
    redirectToHttps: null,
    timeouts: { headMs: 1, idleMs: 1, bodyMs: 1, writeMs: 1 },
    limits: { headBytes: 1, headFields: 1, bodyBytes: null, connections: 100, connectionsPerClient },
  }
}

function setUp() {
  const ledger = Ledger.create(2, 0)
  const rows = new ListenerRows(ledger)
  const seen = { isGone: false }
  const place = (...entries: readonly ListenerEntry[]) =>
    rows.place(entries, () => seen.isGone).map(({ name, slot }) => `${name} ${slot}`)
  return { ledger, rows, seen, place }
}

describe('rows of listeners', () => {
  it('are kept by name, whatever else changes and in whatever order they come', () => {
    const { place } = setUp()
    expect(place(entry('edge'), entry('side'))).toEqual(['edge 0', 'side 1'])
    expect(place(entry('new'), entry('side'), { ...entry('edge'), port: 9090 })).toEqual(['new 2', 'side 1', 'edge 0'])
  })

  it('are used again only when no thread has the listener and none of its connections is open', () => {
    const { ledger, rows, seen, place } = setUp()
    place(entry('edge'), entry('side'))
    const cell = ledger.listener(1, 0)
    cell.acquire(10)
    place(entry('edge'))
    seen.isGone = true
    rows.collect()
    expect(place(entry('edge'), entry('third'))).toEqual(['edge 0', 'third 2'])
    cell.release()
    seen.isGone = false
    rows.collect()
    expect(place(entry('edge'), entry('third'), entry('fourth'))).toEqual(['edge 0', 'third 2', 'fourth 3'])
    seen.isGone = true
    rows.collect()
    expect(place(entry('edge'), entry('fifth'))).toEqual(['edge 0', 'fifth 1'])
  })

  it('have a table of clients once their listener limits connections per client, and the same one from then on', () => {
    const { ledger, place } = setUp()
    place(entry('edge'))
    expect(ledger.clients(0, 0)).toBeNull()
    place(entry('edge', 5))
    const row = ledger.clients(0, 0)?.acquire('10.0.0.1', 5) ?? -1
    expect(row).toBeGreaterThanOrEqual(0)
    place(entry('edge'))
    place(entry('edge', 7))
    expect(ledger.clients(0, 1)?.count('10.0.0.1')).toBe(1)
  })
})
