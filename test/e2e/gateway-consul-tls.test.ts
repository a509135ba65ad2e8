import { expect, it, onTestFinished } from 'vitest'
import { createRegistry } from '../../src/index.ts'
import { CertificateFiles } from '../support/certificate-files.ts'
import { Authority } from '../support/certificates.ts'
import { consulApi } from '../support/consul-api.ts'
import { loopbackAuthority, loopbackCertificate } from '../support/consul-discovery.ts'
import { startTestGateway, type TestGatewayOptions } from '../support/gateway.ts'
import { startInstances } from '../support/instance.ts'
import { registerAll } from '../support/registration.ts'

const service = 'user-service'

it('follows a Consul over HTTP/2 as soon as the file of its authority is the right one', async () => {
  const instances = await startInstances(service, 2)
  const registry = createRegistry({ port: 0, tls: loopbackCertificate })
  const { address } = await registry.start()
  await registerAll(consulApi(address, loopbackAuthority.cert), service, instances)
  const files = new CertificateFiles()
  const ca = files.write('ca.pem', Authority.create('another').cert)
  const config: TestGatewayOptions['config'] = {
    discovery: { consul: { type: 'consul', address, tls: { ca } } },
    routes: [{ path: '/', service }],
  }
  const gateway = await startTestGateway({ config })
  onTestFinished(async () => {
    await gateway.close()
    await registry.close()
    await Promise.all(instances.map((instance) => instance.close()))
  })
  await gateway.log.until('the source lost', async () => (await gateway.timeline('source-lost')).length > 0)
  const [lost] = await gateway.timeline('source-lost')
  expect(lost?.cause).toContain('`tls` fits')

  files.replace('ca.pem', loopbackAuthority.cert)
  expect(await gateway.reconfigure(config)).toMatchObject({ applied: true })
  const ids = instances.map(({ id }) => id)
  await gateway.servedBy(service, '/', ids)
})
