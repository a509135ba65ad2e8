import { describe, expect, it } from 'vitest'
import { namesInHostsFile } from '../../../../src/discovery/names/dns.ts'

describe('the hosts file', () => {
  it('names every host of every line, in lower case, without comments', () => {
    const text =
      '# a comment\n127.0.0.1 localhost\n\n10.0.0.1\tWeb.Example.com web # main\r\n::1 localhost ip6-loopback\n'
    expect([...namesInHostsFile(text)]).toEqual(['localhost', 'web.example.com', 'web', 'ip6-loopback'])
  })
})
