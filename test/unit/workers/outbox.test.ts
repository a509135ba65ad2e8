import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { ControlMessage, ThreadMessage } from '../../../src/core/message.ts'
import { Outbox } from '../../../src/workers/outbox.ts'

const taken = (version: number): ThreadMessage => ({ type: 'service-applied', service: 'users', version })

function makeOutbox() {
  const posts: (readonly ThreadMessage[])[] = []
  return { outbox: new Outbox<ThreadMessage>((messages) => posts.push(messages)), posts }
}

it('posts what is said of the lists of one turn of the event loop together, and nothing twice', async () => {
  const { outbox, posts } = makeOutbox()
  outbox.put(taken(1))
  await Promise.resolve()
  outbox.put(taken(2))
  expect(posts).toEqual([])
  await turn()
  outbox.put(taken(3))
  await turn()
  await turn()
  expect(posts).toEqual([[taken(1), taken(2)], [taken(3)]])
})

it('posts all else at once, behind what was said of lists before', async () => {
  const { outbox, posts } = makeOutbox()
  const [started, drained]: readonly ThreadMessage[] = [{ type: 'started' }, { type: 'drained', cut: 0 }]
  outbox.put(started!)
  outbox.put(taken(1))
  outbox.put(drained!)
  expect(posts).toEqual([[started], [taken(1), drained]])
  outbox.put(taken(2))
  await turn()
  expect(posts.slice(2)).toEqual([[taken(2)]])
})

it('gathers lists as well', async () => {
  const list: ControlMessage = {
    type: 'service',
    published: { service: 'users', version: 1, endpoints: [] },
    ledger: null,
  }
  const posts: (readonly ControlMessage[])[] = []
  const outbox = new Outbox<ControlMessage>((messages) => posts.push(messages))
  outbox.put(list)
  outbox.put(list)
  expect(posts).toEqual([])
  await turn()
  expect(posts).toEqual([[list, list]])
})

it('does not let a crowd wait until all of it is there', async () => {
  const { outbox, posts } = makeOutbox()
  const crowd = Array.from({ length: 150 }, (_, version) => taken(version))
  for (const message of crowd) outbox.put(message)
  expect(posts.map(({ length }) => length)).toEqual([64, 64])
  await turn()
  expect(posts.flat()).toEqual(crowd)
})
