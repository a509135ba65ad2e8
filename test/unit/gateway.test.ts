import { once } from 'node:events'
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

/** What a channel between threads brings next. */
async function next(channel: EventTarget): Promise<unknown> {
  const [event] = (await once(channel, 'message')) as [MessageEvent]
  return event.data
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

describe('a data thread that dies while the gateway drains', () => {
  it('opens no listener again', async () => {
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
    const gateway = new Gateway({
      loaded: await load(),
      load,
      logger: createLogger('silent', logWriter),
      logWriter,
      logFd,
      threadEntry: new URL('../support/announced-thread.ts', import.meta.url),
    })
    const started = new BroadcastChannel('thread-started')
    const throwing = new BroadcastChannel('throw-in-thread')
    const clients: HttpClient[] = []
    onTestFinished(async () => {
      for (const client of clients) client.close()
      started.close()
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
    const replacement = next(started)
    throwing.postMessage(0)
    expect(await replacement).toBe(0)
    const asking = new HttpClient(admin.port)
    clients.push(asking)
    for (let i = 0; i < 50; i++) {
      expect(await isOpen(port)).toBe(false)
      expect((await asking.get('/readyz')).status).toBe(503)
    }
    instance.release()
    expect(await shutdown).toBe(0)
  })
})
