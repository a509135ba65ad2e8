import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { Gateway } from '../../src/gateway.ts'
import { openLogSink } from '../../src/observe/log-sink.ts'
import { LogWriter } from '../../src/observe/log-writer.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { HttpClient } from '../support/http-client.ts'
import { Instance } from '../support/instance.ts'

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function columns(admin: HttpClient): Promise<readonly number[]> {
  const { body } = await admin.get('/api/v1/workers')
  const { workers } = JSON.parse(body) as { workers: readonly { readonly column: number }[] }
  return workers.map(({ column }) => column)
}

describe('a data thread that dies while the gateway drains', () => {
  it('is not replaced by one that opens the listeners again', async () => {
    const instance = await Instance.start('only')
    instance.mode = 'gated'
    const load = async () =>
      parseConfig(
        JSON.stringify({
          listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
          admin: { address: '127.0.0.1:0' },
          workers: 2,
          stateDir: null,
          discovery: { fixed: { type: 'static', services: { users: [`127.0.0.1:${instance.port}`] } } },
          routes: [{ path: '/', service: 'users' }],
        }),
        { file: 'gateway.json', env: {} },
      )
    const logFd = openSync('/dev/null', 'w')
    const logWriter = new LogWriter(openLogSink(logFd))
    const gateway = await Gateway.create({
      loaded: await load(),
      load,
      logger: createLogger('silent', logWriter),
      logWriter,
      logFd,
      threadEntry: new URL('../support/throwing-thread.ts', import.meta.url),
    })
    const throwing = new BroadcastChannel('throw-in-thread')
    const clients: HttpClient[] = []
    onTestFinished(async () => {
      for (const client of clients) client.close()
      throwing.close()
      await gateway.close()
      closeSync(logFd)
      await instance.close()
    })
    const { listeners, admin } = await gateway.start()
    const port = listeners[0]?.port ?? 0
    // Both threads have something in flight, so that neither is done before it throws.
    for (let i = 0; i < 24; i++) {
      const client = new HttpClient(port)
      clients.push(client)
      client.post('/').catch(() => {})
    }
    await instance.received(24)
    const shutdown = gateway.shutdown()
    while (await isOpen(port));
    throwing.postMessage(0)
    const asking = new HttpClient(admin.port)
    clients.push(asking)
    while ((await columns(asking)).includes(0));
    for (let i = 0; i < 50; i++) {
      expect(await isOpen(port)).toBe(false)
      expect((await asking.get('/readyz')).status).toBe(503)
    }
    expect(await columns(asking)).toEqual([1])
    instance.release()
    expect(await shutdown).toBe(0)
  })
})
