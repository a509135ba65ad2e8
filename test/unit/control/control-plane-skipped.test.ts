import { expect, it } from 'vitest'
import { config, from, makeControlPlane, service } from './control-plane-fixture.ts'

const usersAs = (...names: readonly string[]) =>
  config(names.map((name) => service(name, { from: [from('reg', 'user-service')] })))
const entry = { service: 'user-service', entry: '/micro/services/user-service/1', reason: 'it has no address' }

it('names an entry that is left out, and its service, in the timeline, and counts it', () => {
  const { control, skips, timeline } = makeControlPlane()
  control.apply(config([service('users', { from: [from('reg', 'user-service')] }), service('orders')]))
  const skip = skips.get('reg')
  skip?.(entry)
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

it('names it for each service that asks for it now, and for none that did before', () => {
  const { control, skips, timeline } = makeControlPlane()
  const named = () => timeline.events().flatMap(({ type, service: name }) => (type === 'skipped' ? [name] : []))
  control.apply(usersAs('old', 'users'))
  control.apply(usersAs('users', 'alias'))
  skips.get('reg')?.(entry)
  expect(new Set(named())).toEqual(new Set(['alias', 'users']))
  control.apply(config([service('users', { from: [from('reg', 'another')] })]))
  skips.get('reg')?.(entry)
  expect(named()).toHaveLength(2)
})
