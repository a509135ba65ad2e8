import { describe, expect, it } from 'vitest'
import { worstStatus } from '../../../../src/discovery/consul/status.ts'

const check = (Status: string, CheckID = `service:${Status}`) => ({ CheckID, Status, ServiceID: 'web-1' })

describe('the status of an instance', () => {
  it('is passing without any check', () => {
    expect(worstStatus([])).toBe('passing')
  })

  it('is that of its worst check, in whatever order they come', () => {
    expect(worstStatus([check('passing'), check('warning')])).toBe('warning')
    expect(worstStatus([check('critical'), check('warning'), check('passing')])).toBe('critical')
  })

  it('is maintenance when the instance or its node is set to it, whatever else fails', () => {
    const ofService = check('critical', '_service_maintenance:web-1')
    const ofNode = check('critical', '_node_maintenance')
    expect(worstStatus([ofService, check('critical')])).toBe('maintenance')
    expect(worstStatus([check('critical'), ofNode])).toBe('maintenance')
  })

  it('is critical for a word it does not know', () => {
    expect(worstStatus([check('unknown')])).toBe('critical')
  })
})
