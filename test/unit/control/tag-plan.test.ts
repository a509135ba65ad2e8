import { describe, expect, it } from 'vitest'
import { advertisedBy } from '../../../src/control/advertised.ts'
import { planTags, type PlanQuestion } from '../../../src/control/tag-plan.ts'
import { config, from, service } from './control-plane-fixture.ts'
import { instance } from './scripted-watch.ts'

const tls = { ca: null, servername: null, keyPair: null, verify: true }

function planConfig(declared: Parameters<typeof config>[0]): PlanQuestion['config'] {
  const { key: _key, from: _from, subset: _subset, ...settings } = service('any')
  const [route] = config([service('any')]).routes
  if (route === undefined) throw new TypeError('the fixture has no route')
  return { ...config(declared), fromTags: { service: settings, route } }
}

/** Services of `reg` by name, with the tags of each of their instances. */
function planOf(
  tags: Readonly<Record<string, readonly string[][]>>,
  changes: Partial<PlanQuestion> & { declared?: Parameters<typeof config>[0]; unrouted?: boolean } = {},
) {
  const { declared = [], unrouted = false, ...rest } = changes
  return planTags({
    config: { ...planConfig(declared), ...(unrouted && { routes: [] }) },
    tagged: Object.keys(tags).map((name) => ({ source: 'reg', prefix: 'route-', name })),
    advertisedOf: (key, prefix) => {
      const listed = tags[key.replace('reg:', '')]
      return listed === undefined
        ? null
        : advertisedBy(
            listed.map((of, index) => instance(`i-${index}`, { tags: of })),
            prefix,
          )
    },
    hasList: () => true,
    before: [],
    ...rest,
  })
}

const routesOf = (plan: ReturnType<typeof planTags>) => plan.routes.map(({ id, service: key }) => `${id} → ${key}`)
const keysOf = (plan: ReturnType<typeof planTags>) => plan.services.map(({ key }) => key)

describe('what comes of tags', () => {
  it('is a service by its name in the registry, and a route that says where it is from', () => {
    const plan = planOf({ users: [['route-/users strip=/users']] })
    expect(plan.services).toMatchObject([{ key: 'users', from: [from('reg')], subset: null }])
    expect(plan.routes).toMatchObject([
      { id: '/users', path: '/users', stripPrefix: true, origin: 'tag "route-/users strip=/users" of users in reg' },
    ])
  })

  it('takes the settings of a declared service that is the same, and another name where it is not', () => {
    const declared = [service('users', { balancer: 'p2c' }), service('bills', { from: [from('other', 'bills')] })]
    const plan = planOf({ users: [['route-/a']], bills: [['route-/b']] }, { declared, unrouted: true })
    expect(plan.services).toMatchObject([
      { key: 'users', balancer: 'p2c' },
      { key: 'reg:bills', from: [from('reg', 'bills')] },
    ])
    expect(routesOf(plan)).toEqual(['/a → users', '/b → reg:bills'])
  })

  it('is another service than a declared one that other sources list, too', () => {
    const declared = [service('users', { from: [from('reg'), from('other')] })]
    const plan = planOf({ users: [['route-/a']] }, { declared, unrouted: true })
    expect(plan.services).toMatchObject([{ key: 'reg:users', from: [from('reg')] }])
    expect(routesOf(plan)).toEqual(['/a → reg:users'])
  })

  it('gives way to declared routes, and to a service that comes first by name', () => {
    const plan = planOf(
      { z: [['route-/x']], a: [['route-/x', 'route-/users']] },
      { declared: [service('users')], tagged: ['a', 'z'].map((name) => ({ source: 'reg', prefix: 'route-', name })) },
    )
    expect(routesOf(plan)).toEqual(['/x → a'])
    expect(plan.skipped).toEqual([
      {
        service: 'a',
        unusableIn: null,
        cause: 'tag "route-/users" of a in reg is no route: a route of the configuration takes the same requests',
      },
      {
        service: 'z',
        unusableIn: null,
        cause: 'tag "route-/x" of z in reg is no route: a tag of a takes the same requests',
      },
    ])
  })

  it('is no route where a declared one takes all of its requests', () => {
    const base = planConfig([service('pay'), service('web'), service('shop')])
    const [pay, web, shop] = base.routes
    if (pay === undefined || web === undefined || shop === undefined) throw new TypeError('three routes')
    const some = { methods: ['POST'] }
    const routes = [pay, { ...web, id: 'rest', path: '/' }, { ...shop, id: 'shop', host: '*.shop.test', path: '/' }]
    const tags = ['/pay/back', 'a.test/pay/', '*.a.shop.test/x', '/payments', 'a.test/', 'shop.test/', '/partly/x']
    const plan = planOf(
      { users: [tags.map((tag) => `route-${tag}`)] },
      { config: { ...base, routes: [...routes, { ...pay, id: 'partly', path: '/partly', ...some }] } },
    )
    expect(routesOf(plan)).toEqual(['/partly/x → users', '/payments → users', 'a.test/ → users', 'shop.test/ → users'])
    expect(plan.skipped.map(({ cause }) => cause.replace(/.*is no route: /, ''))).toEqual([
      'the declared route shop takes all of its requests',
      'the declared route /pay takes all of its requests',
      'the declared route /pay takes all of its requests',
    ])
  })

  it('is a service of its own for a route that only some instances have, once their list is known', () => {
    const tags = { users: [['route-/all', 'route-/some'], ['route-/all']] }
    const early = planOf(tags, { hasList: (key) => key === 'users' })
    expect(keysOf(early)).toEqual(['users', 'users /some'])
    expect(routesOf(early)).toEqual(['/all → users'])
    const known = planOf(tags)
    expect(routesOf(known)).toEqual(['/all → users', '/some → users /some'])
    expect(known.services[1]).toMatchObject({ subset: { prefix: 'route-', place: '/some' } })
  })

  it('never shares the name of such a service with one that is registered, or declared, by it', () => {
    const tags = { users: [['route-/all', 'route-/some'], ['route-/all']], 'users /some': [['route-/x']] }
    const plan = planOf(tags)
    expect(keysOf(plan)).toEqual(['users', 'users /some', 'reg:users /some'])
    expect(plan.services[1]).toMatchObject({ from: [from('reg', 'users')] })
    expect(routesOf(plan)).toEqual(['/all → users', '/some → users /some', '/x → reg:users /some'])
    const declared = [service('users /some', { from: [from('other', 'users')] })]
    const beside = planOf({ users: tags.users }, { declared, unrouted: true })
    expect(routesOf(beside)).toEqual(['/all → users'])
    expect(beside.skipped[0]?.cause).toContain('another service has the name "users /some"')
  })

  it('leaves a route where it is until the service that is to take it over knows its instances', () => {
    const before = planOf({ users: [['route-/x'], ['route-/x']] }).routes
    const tags = { users: [['route-/x'], []] }
    expect(routesOf(planOf(tags, { before, hasList: (key) => key === 'users' }))).toEqual(['/x → users'])
    expect(routesOf(planOf(tags, { before }))).toEqual(['/x → users /x'])
  })

  it('is reached over TLS where its tags say so, and never against what the configuration says', () => {
    expect(planOf({ users: [['route-/x proto=https']] }).services).toMatchObject([{ key: 'users', tls }])
    const mixed = planOf({ users: [['route-/a', 'route-/b proto=https tlsskipverify=true']] })
    expect(mixed.services).toMatchObject([
      { key: 'users', tls: null },
      { key: 'users /b', tls: { ...tls, verify: false } },
    ])
    const declared = [service('users', { tls })]
    const kept = planOf({ users: [['route-/x proto=http', 'route-/y']] }, { declared, unrouted: true })
    expect(routesOf(kept)).toEqual(['/y → users'])
    expect(kept.skipped[0]?.cause).toContain('its service is reached over TLS only')
  })
})
