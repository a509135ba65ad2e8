import { afterEach, describe, expect, it } from 'vitest'
import { config, makeControlPlane, service } from './control-plane-fixture.ts'
import { settled } from './fake-clock.ts'
import { answer, instance } from './scripted-watch.ts'

const a = instance('a-1')
const users = service('users')
const orders = service('orders')

let plane: ReturnType<typeof makeControlPlane>
afterEach(async () => plane.control.close())

/** A control plane that serves `users`, and prepares for `orders`. */
async function preparing() {
  plane = makeControlPlane()
  plane.control.apply(config([users]))
  plane.registry.of('users').says(answer([a]))
  await settled()
  const progress = { isPrepared: false }
  const prepared = plane.control.prepare(config([users, orders]), 5000).then(() => {
    progress.isPrepared = true
  })
  await settled()
  return { ...plane, progress, prepared }
}

describe('preparing a configuration', () => {
  it('hands over the lists of its new services before the configuration that routes to them', async () => {
    const { control, registry, thread, progress, prepared } = await preparing()
    expect([progress.isPrepared, registry.opened]).toEqual([false, ['users', 'orders']])
    registry.of('orders').says(answer([a]))
    await prepared
    control.apply(config([users, orders]))
    expect(thread.sent).toEqual(['tickets', 'config', 'users', 'orders', 'config'])
    expect(registry.opened).toEqual(['users', 'orders'])
  })

  it('does not wait for a registry that can not be asked', async () => {
    const { registry, prepared } = await preparing()
    registry.of('orders').fails()
    await expect(prepared).resolves.toBeUndefined()
  })

  it('does not wait longer than it is told to', async () => {
    const { clock, progress } = await preparing()
    await clock.advance(4999)
    expect(progress.isPrepared).toBe(false)
    await clock.advance(1)
    expect(progress.isPrepared).toBe(true)
  })

  it('ends when the control plane closes, and nothing can be applied then', async () => {
    const { control, prepared } = await preparing()
    await control.close()
    await expect(prepared).resolves.toBeUndefined()
    expect(() => control.apply(config([users, orders]))).toThrow('closing')
  })

  it('keeps a replaced source until the configuration is applied', async () => {
    const { control, discoveries, registry, prepared } = await preparing()
    registry.of('orders').says(answer([a]))
    await prepared
    const replaced = config([users, orders], [{ name: 'reg', type: 'other' }])
    await control.prepare(replaced, 5000)
    expect(discoveries.map(({ closed }) => closed)).toEqual([false, false])
    control.apply(replaced)
    await settled()
    expect(discoveries.map(({ closed }) => closed)).toEqual([true, false])
  })

  it('leaves nothing behind when another configuration is applied instead', async () => {
    const { control, registry, prepared } = await preparing()
    registry.of('orders').says(answer([a]))
    await prepared
    control.apply(config([users]))
    await settled()
    expect(control.serviceViews().map(({ name }) => name)).toEqual(['users'])
  })
})
