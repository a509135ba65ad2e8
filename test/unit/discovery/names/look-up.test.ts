import { describe, expect, it } from 'vitest'
import { lookUp } from '../../../../src/discovery/names/look-up.ts'
import { fakeDns } from '../../../support/fake-dns.ts'

describe('looking up a name', () => {
  it('leaves a name without a dot to the system, for 30 s', async () => {
    const dns = fakeDns()
    dns.system.web = ['10.0.0.2', '10.0.0.1', '10.0.0.2']
    expect(await lookUp(dns, 'web', [])).toEqual({ addresses: ['10.0.0.1', '10.0.0.2'], holdsMs: 30_000 })
    expect(dns.asked).toEqual(['system web'])
  })

  it('leaves a name in the hosts file to the system', async () => {
    const dns = fakeDns()
    dns.hosts.add('web.example.com')
    dns.system['web.example.com'] = ['10.0.0.1']
    await lookUp(dns, 'web.example.com', [])
    expect(dns.asked).toEqual(['system web.example.com'])
  })

  it('asks the DNS for both families and holds them for the shortest TTL', async () => {
    const dns = fakeDns()
    dns.a['web.example.com'] = [
      { address: '10.0.0.2', ttl: 90 },
      { address: '10.0.0.1', ttl: 60 },
    ]
    dns.aaaa['web.example.com'] = [{ address: '2001:db8::1', ttl: 70 }]
    const addresses = ['10.0.0.1', '10.0.0.2', '2001:db8::1']
    expect(await lookUp(dns, 'web.example.com', [])).toEqual({ addresses, holdsMs: 60_000 })
  })

  it.each([
    [0, 1000],
    [86_400, 300_000],
  ])('holds a TTL of %i s for %i ms', async (ttl, holdsMs) => {
    const dns = fakeDns()
    dns.a['web.example.com'] = [{ address: '10.0.0.1', ttl }]
    expect((await lookUp(dns, 'web.example.com', [])).holdsMs).toBe(holdsMs)
  })

  it('asks the system for what the DNS does not have, which knows search domains', async () => {
    const dns = fakeDns()
    dns.system['web.default'] = ['10.0.0.1']
    expect(await lookUp(dns, 'web.default', [])).toEqual({ addresses: ['10.0.0.1'], holdsMs: 30_000 })
  })

  it('keeps the addresses of a family that can not be asked for, not those of one that is gone', async () => {
    const dns = fakeDns()
    dns.a['web.example.com'] = [{ address: '10.0.0.1', ttl: 60 }]
    dns.aaaa['web.example.com'] = 'ETIMEOUT'
    const known = ['10.0.0.9', '2001:db8::1']
    expect((await lookUp(dns, 'web.example.com', known)).addresses).toEqual(['10.0.0.1', '2001:db8::1'])
    dns.aaaa['web.example.com'] = 'ENODATA'
    expect((await lookUp(dns, 'web.example.com', known)).addresses).toEqual(['10.0.0.1'])
  })

  it('fails when nobody has an address', async () => {
    const dns = fakeDns()
    await expect(lookUp(dns, 'web.example.com', ['10.0.0.1'])).rejects.toThrow('system ENOTFOUND web.example.com')
    dns.system['web.example.com'] = []
    await expect(lookUp(dns, 'web.example.com', [])).rejects.toThrow('it has no address')
  })
})
