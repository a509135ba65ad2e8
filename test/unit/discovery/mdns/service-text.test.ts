import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readServiceText } from '../../../../src/discovery/mdns/service-text.ts'
import { recorded, responseOf } from '../../../support/mdns-packets.ts'

const strings = (...texts: string[]) => texts.map((text) => Buffer.from(text))
const packed = (json: string) => {
  const hex = deflateSync(json).toString('hex')
  return strings(...(hex.match(/.{1,255}/g) ?? []))
}

describe('the text of an instance', () => {
  it('is read as go-micro wrote it', () => {
    const texts = recorded('go-micro', 'announce').flatMap((bytes) => responseOf(bytes).texts)
    expect(texts.map(({ content }) => readServiceText(content))).toEqual([
      {
        service: 'go.micro.srv.greeter',
        version: '1.2.0',
        meta: { broker: 'http', protocol: 'grpc', registry: 'mdns', server: 'grpc', transport: 'grpc', zone: 'a' },
      },
      { service: 'go.micro.srv.greeter', version: 'latest', meta: {} },
      {
        service: 'go.micro.srv.greeter',
        version: 'latest',
        meta: { broker: 'http', protocol: 'grpc', registry: 'mdns', server: 'grpc', transport: 'grpc', zone: 'a' },
      },
    ])
  })

  it('is read as pairs where it is plain DNS-SD: keys in lower case, the first of a key, keys alone, values with any sign', () => {
    const text = readServiceText(strings('Version=2', 'version=3', 'path=/a=b', 'debug', '', '=nothing', '__proto__=x'))
    expect(text).toEqual({
      service: null,
      version: '2',
      meta: Object.fromEntries([
        ['version', '2'],
        ['path', '/a=b'],
        ['debug', ''],
        ['__proto__', 'x'],
      ]),
    })
  })

  it.each([
    ['hex that is no zlib', strings('78ffffff'), /can't be read/],
    ['zlib that stops short', strings(packed('{"Service":"web"}')[0]!.toString().slice(0, 20)), /can't be read/],
    ['zlib of something else than JSON', packed('hello'), /can't be read/],
    ['JSON of another shape', packed('{"Metadata":{}}'), /not what go-micro writes/],
    ['metadata that is no text', packed('{"Service":"web","Metadata":{"a":1}}'), /not what go-micro writes/],
    ['more than it may unpack to', packed(JSON.stringify({ Service: 'x'.repeat(300_000) })), /can't be read/],
    [
      'more metadata than is kept',
      packed(JSON.stringify({ Service: 'web', Metadata: { a: 'x'.repeat(9000) } })),
      /more than 8192/,
    ],
    ['more bytes than are read', Array.from({ length: 200 }, () => Buffer.alloc(255, 'a')), /more than 32768/],
  ])('is refused with a reason: %s', (_, content, reason) => {
    expect(readServiceText(content)).toMatch(reason)
  })
})
