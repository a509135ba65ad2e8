import { EventEmitter, once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { Ledger } from '../../src/core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../../src/core/message.ts'
import type { RouteRule } from '../../src/core/route.ts'
import { monotonicMs } from '../../src/util/clock.ts'
import { DataThread } from '../../src/workers/data-thread.ts'
import { publishedEndpoint } from '../support/endpoints.ts'
import { listenerSettings, routeRule } from '../support/engine.ts'
import { ask } from '../support/flow.ts'
import { Instance } from '../support/instance.ts'
import { serviceSettings } from '../support/service.ts'

/** A data thread in this one, told what a control plane would tell it. */
function startThread() {
  const ledger = Ledger.create(1, monotonicMs())
  ledger.reserve(2, 1)
  ledger.reserveListeners(2)
  const events = new EventEmitter()
  const messages: ThreadMessage[] = []
  const thread = new DataThread({
    column: 0,
    sharesPorts: false,
    ledger: ledger.shape(),
    accessLog: () => () => {},
    send(message) {
      messages.push(message)
      events.emit('message')
    },
  })
  onTestFinished(() => thread.stop())
  let version = 0

  const applied = async (wanted: number) => {
    for (;;) {
      const found = messages.find((message) => message.type === 'config-applied' && message.version >= wanted)
      if (found?.type === 'config-applied') return found
      await once(events, 'message')
    }
  }
  return {
    applied,
    /** @param listeners names; all listen at ports of their own */
    configure(listeners: readonly string[], routes: readonly RouteRule[]): number {
      const config: ControlMessage = {
        type: 'config',
        forgotten: 0,
        ledger: ledger.shape(),
        snapshot: {
          version: ++version,
          accessLog: false,
          listeners: listeners.map((name, slot) => ({ ...listenerSettings({ origins: [] }), name, slot })),
          services: routes.map(({ service }) => serviceSettings(service, 0)),
          routes,
        },
      }
      thread.receive(config)
      return version
    },
    publish(slot: number, port: number): void {
      const endpoints = [publishedEndpoint(slot, { id: `test/node/${slot}@127.0.0.1:${port}`, port })]
      const published = { service: 'web', version: slot + 1, endpoints }
      thread.receive({ type: 'service', ledger: ledger.shape(), published })
    },
  }
}

/**
 * Lists were taken in at once, configurations one behind the other, and one whose listeners close waits up to a second. A list that
 * came meanwhile went to the service of before, was acknowledged, and ended with it: 503 until its next change.
 */
test('a service that is removed and added again while listeners close has the list that comes behind', async () => {
  const [before, after] = [await Instance.start('before'), await Instance.start('after')]
  onTestFinished(async () => void (await Promise.all([before.close(), after.close()])))
  const thread = startThread()
  const routes = [routeRule({})]
  thread.publish(0, before.port)
  const { addresses } = await thread.applied(thread.configure(['edge', 'second'], routes))
  const port = addresses.find(({ listener }) => listener === 'edge')?.port ?? 0
  expect((await ask(port)).headers['x-instance']).toBe('before')

  thread.configure(['edge'], routes)
  thread.configure(['edge'], [])
  const last = thread.configure(['edge'], routes)
  thread.publish(1, after.port)
  await thread.applied(last)

  const { status, headers } = await ask(port)
  expect({ status, by: headers['x-instance'] }).toEqual({ status: 200, by: 'after' })
})
