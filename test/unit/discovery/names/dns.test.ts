import { describe, expect, it } from 'vitest'
import { namesInHostsFile, systemDns } from '../../../../src/discovery/names/dns.ts'

describe('the hosts file', () => {
  it('names every host of every line, in lower case, without comments', () => {
    const text =
      '# a comment\n127.0.0.1 localhost\n\n10.0.0.1\tWeb.Example.com web # main\r\n::1 localhost ip6-loopback\n'
    expect([...namesInHostsFile(text)]).toEqual(['localhost', 'web.example.com', 'web', 'ip6-loopback'])
  })
})

describe("the machine's own names", () => {
  it('hold localhost, in the hosts file and for the system', async () => {
    const dns = systemDns()
    expect(await dns.hostsFile()).toContain('localhost')
    expect(await dns.lookup('localhost')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]),
    )
  })
})
