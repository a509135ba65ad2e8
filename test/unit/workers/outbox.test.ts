import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Outbox } from '../../../src/workers/outbox.ts'

it('posts what one turn of the event loop has to say at once, in its order, and nothing twice', async () => {
  const posts: (readonly string[])[] = []
  const outbox = new Outbox<string>((messages) => posts.push(messages))
  outbox.put('config')
  await Promise.resolve()
  outbox.put('users')
  expect(posts).toEqual([])
  await turn()
  outbox.put('orders')
  await turn()
  await turn()
  expect(posts).toEqual([['config', 'users'], ['orders']])
})
