import { describe, expect, it } from 'vitest'
import { CheckTable } from '../../../../src/discovery/consul/check-table.ts'

const check = (service: string, more: object = {}) => ({
  Node: 'n1',
  CheckID: `service:${service}-1`,
  ServiceName: service,
  ServiceID: service === '' ? '' : `${service}-1`,
  Status: 'passing',
  Output: 'fine',
  ...more,
})
const serf = check('', { CheckID: 'serfHealth' })

function change(before: unknown[], after: unknown[]) {
  const table = new CheckTable()
  table.replace(before)
  const { services, nodes } = table.replace(after)
  return { services: [...services].toSorted(), nodes: [...nodes] }
}

describe('the table of checks', () => {
  it('names the service of a check that changed its status, came or went', () => {
    const [a, b, c, d] = [check('a'), check('b'), check('c'), check('d')]
    const after = [{ ...a, Status: 'critical' }, b, d]
    expect(change([a, b, c], after)).toEqual({ services: ['a', 'c', 'd'], nodes: [] })
  })

  it('does not mind a new output or another order', () => {
    const [a, b] = [check('a'), check('b')]
    expect(change([a, b], [b, { ...a, Output: 'fine, 12:01' }])).toEqual({ services: [], nodes: [] })
  })

  it('names the node of a check that concerns all services on it', () => {
    expect(change([serf], [{ ...serf, Status: 'critical' }])).toEqual({ services: [], nodes: ['n1'] })
    expect(change([serf], [serf, check('', { CheckID: '_node_maintenance' })]).nodes).toEqual(['n1'])
  })

  it('tells the same check on two nodes apart', () => {
    const elsewhere = check('a', { Node: 'n2' })
    expect(change([check('a'), elsewhere], [check('a')]).services).toEqual(['a'])
    expect(change([serf, { ...serf, Node: 'n2' }], [serf]).nodes).toEqual(['n2'])
  })

  it('names both services when a check moves from one to the other', () => {
    expect(change([check('a')], [check('a', { ServiceName: 'b' })]).services).toEqual(['a', 'b'])
  })

  it('passes over rows that are no checks', () => {
    expect(change([null, 7, {}], [check('a'), 'x', { Node: 'n1' }]).services).toEqual(['a'])
  })
})
