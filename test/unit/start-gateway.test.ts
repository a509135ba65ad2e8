import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type RunningGateway, startGateway } from '../../src/start-gateway.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { Instance } from '../support/instance.ts'

interface Stage {
  readonly gateway: RunningGateway
  readonly instance: Instance
  readonly client: HttpClient
}

async function stage(workers: number): Promise<Stage> {
  const instance = await Instance.start('only')
  const logFd = openSync('/dev/null', 'w')
  const gateway = await startGateway({ config: configOf(instance, { workers }), logFd })
  const client = new HttpClient(gateway.addresses.listeners[0]?.port ?? 0)
  onTestFinished(async () => {
    client.close()
    await gateway.close()
    closeSync(logFd)
    await instance.close()
  })
  return { gateway, instance, client }
}

function configOf(instance: Instance, more: Partial<ConfigInput>): ConfigInput {
  return {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { users: [`127.0.0.1:${instance.port}`] } } },
    routes: [{ path: '/', service: 'users' }],
    ...more,
  }
}

function edge(port: number) {
  return { name: 'edge', address: `127.0.0.1:${port}` }
}

/** How a connection to that port goes: `open`, or the system's error code. */
function connecting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve('open')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

describe.each([0, 2])('the end of a gateway with %i worker threads', (workers) => {
  it('may be asked for again, in either way', async () => {
    const { gateway } = await stage(workers)
    expect(await Promise.all([gateway.shutdown(), gateway.shutdown()])).toEqual([0, 0])
    await gateway.close()
    await gateway.close()
    expect(await gateway.shutdown()).toBe(0)
  })

  it('does not wait for what is in flight when a shutdown is followed by a close', async () => {
    const { gateway, instance, client } = await stage(workers)
    instance.mode = 'gated'
    const cut = client.post('/').catch(() => 'cut')
    await instance.received(1)
    const shutdown = gateway.shutdown()
    await gateway.close()
    await shutdown
    expect(await cut).toBe('cut')
  })
})

describe.each([0, 2])('a listener that a reload moves, with %i worker threads', (workers) => {
  it('stays where it is when the reload is refused, also for the next one', async () => {
    const [here = 0, there = 0] = await freePorts(2)
    const instance = await Instance.start('only')
    const inForce = configOf(instance, { workers, listeners: [edge(here)] })
    const gateway = await startTestGateway({ config: inForce })
    onTestFinished(async () => {
      await gateway.close()
      await instance.close()
    })
    const listeners = [edge(there), { name: 'side', address: `127.0.0.1:${instance.port}` }]
    expect(await gateway.reconfigure({ ...inForce, listeners })).toMatchObject({ applied: false })
    expect(await gateway.reconfigure(inForce)).toMatchObject({ applied: true })
    expect([await connecting(here), await connecting(there)]).toEqual(['open', 'ECONNREFUSED'])
  })

  it('may take another name or host at its port', async () => {
    const [port = 0] = await freePorts(1)
    const instance = await Instance.start('only')
    const at = (name: string, host: string) =>
      configOf(instance, { workers, listeners: [{ name, address: `${host}:${port}` }] })
    const gateway = await startTestGateway({ config: at('edge', '127.0.0.1') })
    onTestFinished(async () => {
      await gateway.close()
      await instance.close()
    })
    for (const config of [at('front', '127.0.0.1'), at('front', '0.0.0.0'), at('edge', '127.0.0.1')]) {
      expect(await gateway.reconfigure(config)).toMatchObject({ applied: true })
      const client = new HttpClient(port)
      expect((await client.get('/')).status).toBe(200)
      client.close()
    }
    expect(gateway.log.lines.filter(({ msg }) => msg === 'listener not opened')).toEqual([])
  })
})
