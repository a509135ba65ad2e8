import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { serverNameOf } from '../../../../src/proxy/tls/client-hello.ts'
import { clientHello } from '../../../support/client-hello.ts'

const hello = clientHello({ serverName: Buffer.from('edge.test') })

/** What OpenSSL sends first. */
async function helloOfNode(servername: string): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ...(servername !== '' && { servername }), ALPNProtocols: ['h2'] })
  client.on('error', () => {})
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(accepted, 'data')) as [Buffer]
  client.destroy()
  accepted.destroy()
  server.close()
  return bytes
}

describe('the name in a ClientHello', () => {
  test.each(['edge.test', 'a.very.long.name.of.a.host.in.some.domain.test', ''])(
    'is read from what OpenSSL sends: %j',
    async (name) => {
      expect(serverNameOf(await helloOfNode(name))).toBe(name)
    },
  )

  test('is read from records of any size, and not before all of the message is there', () => {
    for (let recordBytes = 1; recordBytes < 120; recordBytes++) {
      const bytes = clientHello({ serverName: Buffer.from('edge.test'), recordBytes })
      expect(serverNameOf(bytes)).toBe('edge.test')
      for (let length = 0; length < bytes.length; length++) expect(serverNameOf(bytes.subarray(0, length))).toBeNull()
    }
  })

  test('is there whatever comes behind the message', () => {
    expect(serverNameOf(Buffer.concat([hello, Buffer.alloc(100, 0xff)]))).toBe('edge.test')
  })

  test.each<[string, Buffer]>([
    ['plain text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['another record', Buffer.from([23, 3, 3, 0, 1, 0])],
    [
      'another record in the middle',
      Buffer.concat([
        clientHello({ serverName: Buffer.from('x'), recordBytes: 10 }).subarray(0, 15),
        Buffer.from([21]),
      ]),
    ],
    ['another message', Buffer.from([22, 3, 1, 0, 1, 2])],
    ['a message that is too long', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x40, 1])],
    ['empty records without end', Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from([22, 3, 1, 0, 0])))],
  ])('is none in %s', (_, bytes) => {
    expect(serverNameOf(bytes)).toBe('')
  })

  test('is asked for once more, or none, or a name, whatever the bytes: nothing is thrown', () => {
    const changed = fc
      .array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 8 })
      .map((changes) => changes.reduce((bytes, [at, to]) => Buffer.from(bytes.with(at, to)), Buffer.from(hello)))
    const any = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))
    const begun = any.map((bytes) => Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 0xfc]), bytes]))
    fc.assert(
      fc.property(fc.oneof(changed, any, begun), (bytes) => {
        const name = serverNameOf(bytes)
        expect(name === null || bytes.includes(Buffer.from(name, 'latin1'))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
