import { expect, test } from 'vitest'
import { Rollout } from '../../../src/control/rollout.ts'

const nothing = { addresses: [], errors: [] }
const address = { listener: 'edge', host: '127.0.0.1', port: 8080 }

test('a version is in force when every thread has applied it, or a later one', async () => {
  const rollout = new Rollout(2)
  let done = false
  const inForce = rollout.inForce(3).then((result) => {
    done = true
    return result
  })

  rollout.applied(1, 3, { addresses: [address], errors: [] })
  rollout.applied(2, 2, nothing)
  await Promise.resolve()
  expect(done).toBe(false)

  rollout.applied(2, 4, nothing)
  expect((await inForce).addresses).toEqual([address])
})

test('a lost thread is waited for until its replacement has applied the version', async () => {
  const rollout = new Rollout(1)
  rollout.applied(1, 1, nothing)
  rollout.threadLost(1)
  const inForce = rollout.inForce(1)

  rollout.applied(2, 1, nothing)

  await expect(inForce).resolves.toEqual(nothing)
})

test('a thread that drains counts for nothing, whatever it still applies', async () => {
  const rollout = new Rollout(1)
  rollout.applied(1, 1, nothing)
  rollout.threadLeaves(1)
  rollout.applied(1, 2, { addresses: [address], errors: [] })
  const inForce = rollout.inForce(2)

  rollout.applied(2, 2, nothing)

  await expect(inForce).resolves.toEqual(nothing)
})

test('who waits hears that nothing will come any more', async () => {
  const rollout = new Rollout(1)
  const waiting = rollout.inForce(1)

  rollout.close()

  await expect(waiting).rejects.toThrow('ended before')
  await expect(rollout.inForce(2)).rejects.toThrow('ended before')
})

test('a listener that threads could not open is told once, and is none of the next version when they have it', async () => {
  const told: string[] = []
  const rollout = new Rollout(2, ({ listener }) => told.push(listener))
  const failed = { addresses: [], errors: [{ listener: 'edge', code: 'EMFILE', message: 'too many open files' }] }
  rollout.applied(1, 1, failed)
  rollout.applied(2, 1, failed)
  rollout.applied(1, 1, failed)
  expect((await rollout.inForce(1)).errors).toEqual(failed.errors)

  rollout.applied(1, 1, nothing)
  rollout.applied(2, 1, nothing)
  rollout.applied(1, 2, nothing)
  rollout.applied(2, 2, nothing)

  expect((await rollout.inForce(2)).errors).toEqual([])
  expect(told).toEqual(['edge'])
})

test('what a lost thread could not open says nothing about its replacement', async () => {
  const rollout = new Rollout(1)
  rollout.applied(1, 1, {
    addresses: [],
    errors: [{ listener: 'edge', code: 'EMFILE', message: 'too many open files' }],
  })
  rollout.threadLost(1)
  rollout.applied(2, 1, nothing)

  expect((await rollout.inForce(1)).errors).toEqual([])
})
