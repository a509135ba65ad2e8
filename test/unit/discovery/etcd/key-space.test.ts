import { expect, it } from 'vitest'
import { keySpace } from '../../../../src/discovery/etcd/key-space.ts'

it.each([
  ['/micro/services', '/micro/services/user/1', { service: 'user', id: '1' }],
  ['/micro/services/', '/micro/services/user/1', { service: 'user', id: '1' }],
  ['/micro/services', '/micro/services/a/b/1', { service: 'a/b', id: '1' }],
  ['/micro/services', '/micro/services/1', null],
  ['/micro/services', '/micro/services//1', null],
  ['/micro/services', '/micro/services/user/', null],
  ['/micro/services', '/micro/servicesuser/1', null],
  ['/', '/user/1', { service: 'user', id: '1' }],
  ['', 'user.rpc/7587', { service: 'user.rpc', id: '7587' }],
  ['', '/user/1', { service: '/user', id: '1' }],
  ['', '/1', null],
])('under the prefix %j the key %s is that of %j', (prefix, key, place) => {
  const keys = keySpace(prefix)
  expect(keys.place(key)).toEqual(place)
  expect(place === null ? key : keys.keyOf(place)).toBe(key)
})

it('asks for all that begins with the prefix, and for nothing else', () => {
  expect(keySpace('/micro/services').everything).toEqual({ key: '/micro/services/', end: '/micro/services0' })
  expect(keySpace('/micro/services').of('user')).toEqual({ key: '/micro/services/user/', end: '/micro/services/user0' })
  expect(keySpace('/').everything).toEqual({ key: '/', end: '0' })
  expect(keySpace('').everything).toEqual({ key: '\0', end: '\0' })
  expect(keySpace('').of('user.rpc')).toEqual({ key: 'user.rpc/', end: 'user.rpc0' })
})
