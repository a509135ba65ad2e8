import { writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createConfigFile, type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts'
import { HttpClient } from '../../support/http-client.ts'
import { Instance } from '../../support/instance.ts'

/** A gateway of which the first thing is known to have happened, and nothing more: it is still starting. */
async function starting(): Promise<{ gateway: GatewayProcess; file: string; text: (path: string) => string }> {
  const instance = await Instance.start('only')
  const text = (path: string) =>
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: 1,
      stateDir: null,
      discovery: { fixed: { type: 'static', services: { users: [`127.0.0.1:${instance.port}`] } } },
      routes: [{ path, service: 'users' }],
    })
  const file = await createConfigFile(text('/before'))
  const gateway = startGatewayProcess(file.path)
  onTestFinished(async () => {
    await gateway.kill()
    await file.remove()
    await instance.close()
  })
  await gateway.log.line('added')
  return { gateway, file: file.path, text }
}

describe('tidegate start, while it starts', () => {
  it('notices that its file changes', async () => {
    const { gateway, file, text } = await starting()
    writeFileSync(file, text('/after'))
    const { listeners } = await gateway.listening()
    await gateway.log.line('config-applied')
    const client = new HttpClient(listeners[0]?.port ?? 0)
    onTestFinished(() => client.close())
    expect([(await client.get('/before')).status, (await client.get('/after')).status]).toEqual([404, 200])
  })

  it('takes SIGHUP for later', async () => {
    const { gateway } = await starting()
    gateway.signal('SIGHUP')
    await gateway.listening()
    expect(await gateway.log.line('config-applied')).toMatchObject({ level: 'info' })
  })

  it('takes SIGTERM for later, too, and exits 0', async () => {
    const { gateway } = await starting()
    gateway.signal('SIGTERM')
    expect(await gateway.exited()).toBe(0)
    await gateway.log.line('stopped')
  })
})
