import { afterEach, describe, expect, it } from 'vitest'
import { config, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const b = instance('b-2')
const c = instance('c-3')

let plane: ReturnType<typeof makeControlPlane>
afterEach(async () => plane.control.close())

/** The services have a and b, and nothing has changed for a while. */
async function quiet(...keys: string[]) {
  plane = makeControlPlane()
  plane.control.apply(config(keys.map((key) => service(key))))
  for (const key of keys) plane.registry.of(key).says(answer([a, b]))
  await plane.clock.advance(1000)
  plane.thread.sent.length = 0
  const says = async (key: string, ...args: Parameters<typeof answer>) => {
    plane.registry.of(key).says(answer(...args))
    await settled()
  }
  return { ...plane, says }
}

describe('a registry that changes its mind again and again', () => {
  it('is followed at once after a quiet time, then once in 100 ms, to where it stands by then', async () => {
    const { says, served, thread, clock } = await quiet('users')
    await says('users', [a])
    expect(served('users')).toEqual(['a-1 passing'])
    await says('users', [a, b])
    await says('users', [a, b, c])
    await says('users', [b, c])
    await clock.advance(99)
    expect(served('users')).toEqual(['a-1 passing'])
    await clock.advance(1)
    expect(served('users')).toEqual(['b-2 passing', 'c-3 passing'])
    expect(thread.sent).toEqual(['users', 'users'])
    await clock.advance(100)
    await says('users', [c])
    expect(served('users')).toEqual(['c-3 passing'])
  })

  it('has ten lists a second built, however often it does', async () => {
    const { says, thread, clock, served, control } = await quiet('users')
    for (let change = 0; change < 500; change++) {
      await says('users', change % 2 === 0 ? [a] : [a, { ...b, weight: 1 + change }])
      await clock.advance(20)
    }
    expect([thread.sent.length, served('users')]).toEqual([101, ['a-1 passing', 'b-2 passing']])
    expect(control.stats()).toMatchObject({ lists: [{ count: 102 }], discovery: [{ updates: { changed: 501 } }] })
  })

  it.each([
    ['critical', [a, { ...b, status: 'critical' as const }], 'b-2 critical'],
    ['in maintenance', [a, { ...b, status: 'maintenance' as const }], 'b-2 maintenance'],
    ['gone', [a], undefined],
  ])('keeps an endpoint that is %s from going out for 100 ms at most', async (_, list, word) => {
    const { says, served, clock } = await quiet('users')
    await says('users', [{ ...a, weight: 2 }, b])
    await says('users', list)
    await clock.advance(100)
    expect(served('users')[1]).toBe(word)
  })

  it('keeps no order of an operator waiting', async () => {
    const { says, control, thread } = await quiet('users')
    await says('users', [{ ...a, weight: 2 }, b])
    control.command('reg/n1/b-2@10.0.0.1:9002', 'drain', null)
    expect(thread.lists.get('users')?.map(({ draining }) => draining)).toEqual([false, true])
    control.command('reg/n1/b-2@10.0.0.1:9002', 'undrain', null)
    expect(thread.lists.get('users')?.map(({ draining }) => draining)).toEqual([false, false])
  })

  it('keeps no other service waiting', async () => {
    const { says, served } = await quiet('users', 'orders')
    await says('users', [a])
    await says('orders', [b])
    expect(served('orders')).toEqual(['b-2 passing'])
  })

  it('sends nothing when an endpoint stands as before by then', async () => {
    const { says, thread, clock } = await quiet('users')
    await says('users', [a, b])
    await clock.advance(1000)
    expect(thread.sent).toEqual([])
  })

  it('gives the rows of those that came and went in between away', async () => {
    const { says, thread, clock } = await quiet('users')
    await says('users', [a])
    await says('users', [a, c])
    await says('users', [a])
    await clock.advance(1000)
    await says('users', [a, b, c])
    expect(
      thread.lists
        .get('users')
        ?.map(({ slot }) => slot)
        .toSorted(),
    ).toEqual([0, 1, 2])
  })

  it('gives them away too when the service goes before its list is sent', async () => {
    const { says, control, clock, thread } = await quiet('users')
    await says('users', [a])
    await says('users', [])
    control.apply(config([service('orders')]))
    await clock.advance(1000)
    expect(thread.sent).toEqual(['users', 'config'])
    await says('orders', [a, b])
    expect(thread.lists.get('orders')?.map(({ slot }) => slot)).toEqual([0, 1])
  })

  it('is not left at half its word when the control plane ends', async () => {
    const { says, control, served, clock } = await quiet('users')
    await says('users', [a])
    await says('users', [c])
    await control.close()
    expect(served('users')).toEqual(['c-3 passing'])
    expect(clock.timers).toBe(0)
  })
})
