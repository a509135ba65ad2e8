import { createServer, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createConfigFile, startMortalGatewayProcess } from '../support/gateway-process.ts'
import { Instance } from '../support/instance.ts'
import { RawClient } from '../support/raw-client.ts'

/** Listens there as soon as nobody else does. */
function grab(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const attempt = () => {
      const server = createServer()
      server.on('error', () => setTimeout(attempt, 1))
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
    }
    attempt()
  })
}

/** What stood in the way for a moment left the thread without its listener for good: nobody tried again, and nobody said so. */
test('a data thread whose replacement finds the port taken listens there again when it is free', async () => {
  const instance = await Instance.start('only')
  onTestFinished(async () => instance.close())
  const file = await createConfigFile(
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: 1,
      stateDir: null,
      discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
      routes: [{ path: '/', service: 'only' }],
    }),
  )
  const gateway = startMortalGatewayProcess(file.path)
  onTestFinished(async () => {
    await gateway.kill()
    await file.remove()
  })
  const { listeners } = await gateway.listening()
  const port = listeners[0]?.port ?? 0

  gateway.signal('SIGWINCH')
  const grabbed = await grab(port)
  const said = await gateway.log.line('listener not opened')
  await new Promise((resolve) => void grabbed.close(resolve))

  expect(said).toMatchObject({ listener: 'edge', code: 'EADDRINUSE' })
  let client: RawClient | null = null
  while (client === null) client = await RawClient.connect(port).catch(() => null)
  onTestFinished(() => client?.destroy())
  expect((await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()).status).toBe(200)
})
