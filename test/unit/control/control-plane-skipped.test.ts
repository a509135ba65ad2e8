import { expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'

it('names an entry that is left out, and its service, in the timeline, and counts it', () => {
  const { control, skips, timeline } = makeControlPlane()
  control.apply(config([service('users', { from: [from('reg', 'user-service')] }), service('orders')]))
  const skip = skips.get('reg')
  skip?.({ service: 'user-service', entry: '/micro/services/user-service/1', reason: 'it has no address' })
  skip?.({ service: 'nobody-asked', entry: '/micro/services/nobody-asked/1', reason: 'it has no address' })
  expect(timeline.events().filter(({ type }) => type === 'skipped')).toMatchObject([
    {
      service: 'users',
      endpoint: null,
      cause: 'reg has /micro/services/user-service/1, which is left out: it has no address',
    },
  ])
  expect(control.stats().discovery).toMatchObject([
    { service: 'users', skipped: 1 },
    { service: 'orders', skipped: 0 },
  ])
})
