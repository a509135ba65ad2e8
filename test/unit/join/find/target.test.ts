import { describe, expect, it } from 'vitest'
import { isWanted, targetOf } from '../../../../src/join/find/target.ts'
import { instance } from '../../control/scripted-watch.ts'

describe('a target', () => {
  it.each([
    ['consul', '', 'users', { registry: 'consul://', service: 'users', tag: null, version: null }],
    ['consul', 'h:1', 'users?tag=v2', { registry: 'consul://h:1', service: 'users', tag: 'v2', version: null }],
    ['consul', '', 'users?version=2&dc=x', { registry: 'consul://?dc=x', service: 'users', tag: null, version: '2' }],
    ['etcd', '', '/micro/services/user', { registry: 'etcd://?prefix=%2Fmicro%2Fservices', service: 'user' }],
    [
      'etcd',
      'h:1,i:2',
      'a/b/user?format=grpc-go',
      { registry: 'etcd://h:1,i:2?format=grpc-go&prefix=a%2Fb', service: 'user' },
    ],
    ['etcd', '', '/user', { registry: 'etcd://?prefix=%2F', service: 'user' }],
    ['etcd', '', 'user.rpc', { registry: 'etcd://?prefix=', service: 'user.rpc' }],
    ['mdns', 'micro.', 'greeter', { registry: 'mdns://micro.', service: 'greeter' }],
    ['consul', '', 'a%20b', { registry: 'consul://', service: 'a b' }],
  ])('%s://%s/%s is read', (scheme, authority, path, target) => {
    expect(targetOf(scheme, authority, path)).toMatchObject(target)
  })

  it.each(['', '?tag=x'])('without a service (%j) is none', (path) => {
    expect(targetOf('consul', '', path)).toBeNull()
    expect(targetOf('etcd', '', path)).toBeNull()
  })
})

describe('an instance', () => {
  const all = { registry: 'consul://', service: 'users', tag: null, version: null }

  it.each([
    [{}, {}, true],
    [{ status: 'warning' }, {}, true],
    [{ status: 'critical' }, {}, false],
    [{ status: 'maintenance' }, {}, false],
    [{ weight: 0 }, {}, false],
    [{ tags: ['v2', 'x'] }, { tag: 'v2' }, true],
    [{ tags: ['v1'] }, { tag: 'v2' }, false],
    [{ version: '2' }, { version: '2' }, true],
    [{ version: '1' }, { version: '2' }, false],
  ] as const)('with %j is wanted by %j: %s', (said, target, wanted) => {
    expect(isWanted(instance('a', said), { ...all, ...target })).toBe(wanted)
  })
})
