import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { takeInheritance } from '../../../src/handover/inheritance.ts'
import type { PredecessorMessage, SuccessorMessage } from '../../../src/handover/messages.ts'

class Self extends EventEmitter {
  readonly pid = 42
  readonly sent: SuccessorMessage[] = []
  isConnected = true
  isReferenced = true
  readonly channel = { unref: () => void (this.isReferenced = false) }
  send(message: SuccessorMessage): void {
    this.sent.push(message)
  }
  disconnect(): void {
    this.isConnected = false
  }
  hears(message: PredecessorMessage): void {
    this.emit('message', message)
  }
}

it('takes the sockets that systemd names, and leaves nothing of them to children', () => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'edge:admin', PATH: '/bin' }
  expect(takeInheritance(env, new Self()).lent).toEqual([
    { fd: 3, name: 'edge' },
    { fd: 4, name: 'admin' },
  ])
  expect(env).toEqual({ PATH: '/bin' })
})

it('names none where systemd names none', () => {
  expect(takeInheritance({ LISTEN_PID: '42', LISTEN_FDS: '1' }, new Self()).lent).toEqual([{ fd: 3, name: null }])
})

it('leaves the sockets of another process alone', () => {
  expect(takeInheritance({ LISTEN_PID: '41', LISTEN_FDS: '2' }, new Self())).toMatchObject({ lent: [], handed: [] })
})

const note = { TIDEGATE_HANDOVER: JSON.stringify({ pid: 7, sockets: [] }) }

it('asks the predecessor, and is told to take over with its session tickets and orders', async () => {
  const orders = [{ id: 'a', kind: 'drain' as const, untilMs: null }]
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  const permission = predecessor?.permission({ missing: ['billing'], empty: [] })
  self.hears({ type: 'take-over', secret: 'AQID', remainingMs: 5, orders })
  expect(await permission).toEqual({ tickets: { secret: new Uint8Array([1, 2, 3]), remainingMs: 5 }, orders })
  predecessor?.serving()
  expect(self.sent).toEqual([{ type: 'prepared', missing: ['billing'], empty: [] }, { type: 'serving' }])
  // The channel tells when the other process ends; it keeps none alive.
  expect(self.isConnected).toBe(true)
  expect(self.isReferenced).toBe(false)
})

it('gives up where the predecessor refuses', async () => {
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  self.hears({ type: 'refused', reason: 'it shuts down' })
  await expect(predecessor?.permission({ missing: [], empty: [] })).rejects.toThrow(
    'process 7 serves on and gives nothing up: it shuts down',
  )
})

it('takes over from a predecessor that is dead', async () => {
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  self.emit('disconnect')
  expect(await predecessor?.permission({ missing: [], empty: [] })).toBeNull()
  predecessor?.serving()
  expect(self.sent).toEqual([])
})

it('hears of a refusal while it still prepares', async () => {
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  self.hears({ type: 'refused', reason: 'it shuts down' })
  await expect(predecessor?.refusal).rejects.toThrow('process 7 serves on and gives nothing up: it shuts down')
})

it('that is told to end takes nothing over, whatever it is told later', async () => {
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  predecessor?.decline('SIGTERM came')
  self.hears({ type: 'take-over', secret: '', remainingMs: 5, orders: [] })
  await expect(predecessor?.refusal).rejects.toThrow('SIGTERM came before it took over from process 7')
  await expect(predecessor?.permission({ missing: [], empty: [] })).rejects.toThrow('SIGTERM came')
})

it('that has leave to take over can not decline any more', async () => {
  const self = new Self()
  const { predecessor } = takeInheritance({ ...note }, self)
  self.hears({ type: 'take-over', secret: '', remainingMs: 5, orders: [] })
  predecessor?.decline('SIGTERM came')
  expect(await predecessor?.permission({ missing: [], empty: [] })).toMatchObject({ tickets: { remainingMs: 5 } })
})
