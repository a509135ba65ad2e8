import http from 'node:http'
import Consul from 'consul'
import { describe, expect, it } from 'vitest'
import { guardAnswers } from '../../../../src/discovery/consul/transport.ts'

type Extension = (request: { req: http.RequestOptions; transport: typeof http }, next: () => void) => void

describe('the transport of calls to Consul', () => {
  it("takes the brackets off an IPv6 address, which are a URL's and not a host name's", () => {
    const extensions: Extension[] = []
    const collect = (_event: string, extension: Extension) => extensions.push(extension)
    guardAnswers(Object.assign(new Consul(), { _ext: collect }))
    const hosts = ['[::1]', '127.0.0.1', 'consul.example.com'].map((hostname) => {
      const request = { req: { hostname }, transport: http }
      for (const extend of extensions) extend(request, () => {})
      return request.req.hostname
    })
    expect(hosts).toEqual(['::1', '127.0.0.1', 'consul.example.com'])
  })
})
