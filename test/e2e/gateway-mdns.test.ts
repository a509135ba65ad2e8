import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { startInstances } from '../support/instance.ts'
import { Announcer, type Style } from '../support/mdns-announcer.ts'

const mdnsPort = 5353

it.each<[style: Style, domain: string]>([
  ['dns-sd', 'local.'],
  ['go-micro', 'micro.'],
])('a gateway routes to what is announced as %s, and not to what has said goodbye', async (style, domain) => {
  // The port is everyone's; the name is not.
  const service = style === 'dns-sd' ? `_t${randomUUID().slice(0, 8)}._tcp` : `test.${randomUUID()}`
  const instances = await startInstances('mdns', 2)
  const announcer = await Announcer.start(style, mdnsPort)
  const gateway = await startTestGateway({
    config: {
      discovery: { lan: { type: 'mdns', domain, interfaces: ['127.0.0.1'] } },
      services: { web: { name: service } },
      routes: [{ path: '/', service: 'web' }],
    },
  })
  onTestFinished(async () => {
    await gateway.close()
    await announcer.close()
    await Promise.all(instances.map((instance) => instance.close()))
  })
  const [first, second] = instances
  const announce = async ({ id, port }: { id: string; port: number }) =>
    announcer.announce({ service, id, port, host: '127.0.0.1', meta: { version: '1.2.0' } })
  await announce(first)
  await gateway.servedBy('web', '/', [first.id])
  await announce(second!)
  await gateway.servedBy('web', '/', [first.id, second!.id])
  expect(gateway.endpoint('web', first.id)).toMatchObject({ registry: 'passing', state: 'eligible', version: '1.2.0' })
  await announcer.goodbye(service, first.id)
  await gateway.servedBy('web', '/', [second!.id])
})
