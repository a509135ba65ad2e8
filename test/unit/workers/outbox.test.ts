import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Outbox } from '../../../src/workers/outbox.ts'

function makeOutbox() {
  const posts: (readonly string[])[] = []
  const outbox = new Outbox<string>(
    (messages) => posts.push(messages),
    (message) => message.startsWith('list'),
  )
  return { outbox, posts }
}

it('posts the lists of one turn of the event loop together, and nothing twice', async () => {
  const { outbox, posts } = makeOutbox()
  outbox.put('list 1')
  await Promise.resolve()
  outbox.put('list 2')
  expect(posts).toEqual([])
  await turn()
  outbox.put('list 3')
  await turn()
  await turn()
  expect(posts).toEqual([['list 1', 'list 2'], ['list 3']])
})

it('posts all else at once, behind the lists that were put before', async () => {
  const { outbox, posts } = makeOutbox()
  outbox.put('config')
  outbox.put('list 1')
  outbox.put('drain')
  expect(posts).toEqual([['config'], ['list 1', 'drain']])
  outbox.put('list 2')
  await turn()
  expect(posts.slice(2)).toEqual([['list 2']])
})
