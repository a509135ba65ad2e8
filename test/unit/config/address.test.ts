import { describe, expect, test } from 'vitest'
import {
  collide,
  isLoopback,
  parseInstanceAddress,
  parseListenAddress,
  parseNetwork,
} from '../../../src/config/address.ts'

describe('addresses', () => {
  test.each([
    ['0.0.0.0:8080', '0.0.0.0', 8080],
    ['[::1]:80', '::1', 80],
    ['[2001:DB8::7]:1', '2001:db8::7', 1],
    ['Localhost:65535', 'localhost', 65535],
    ['user_service.internal:9101', 'user_service.internal', 9101],
    ['127.0.0.1:0', '127.0.0.1', 0],
  ])('%s is split into host and port', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port })
  })

  test.each([
    '',
    ':8080',
    '8080',
    '*:8080',
    '127.0.0.1',
    '::1:8080',
    '[127.0.0.1]:80',
    '[::1%eth0]:80',
    '256.0.0.1:80',
    '127.1:80',
    'a..b:80',
    '-a:80',
    'http://a:80',
    'a:80/x',
    'a:65536',
    'a:-1',
    'a: 80',
    'a\r\nb:80',
  ])('refuses %j', (text) => {
    expect(() => parseListenAddress(text)).toThrow(expect.objectContaining({ name: 'InvalidValue' }))
  })

  test('an instance has no port 0', () => {
    expect(() => parseInstanceAddress('127.0.0.1:0')).toThrow('port 0 is not within 1 and 65535')
  })

  test.each([
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['localhost.example.com', false],
  ])('%s is reachable from this machine only: %s', (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback)
  })

  test.each([
    ['127.0.0.1:80', '127.0.0.1:80', true],
    ['0.0.0.0:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '[::]:80', true],
    ['0.0.0.0:80', '[::1]:80', false],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    ['127.0.0.1:80', '127.0.0.1:81', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
  ])('%s and %s take the same port: %s', (a, b, same) => {
    expect(collide(parseListenAddress(a), parseListenAddress(b))).toBe(same)
    expect(collide(parseListenAddress(b), parseListenAddress(a))).toBe(same)
  })

  test.each(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', 'fd00::/8', '::1/128'])('%s is a network', (text) => {
    expect(parseNetwork(text)).toBe(text)
  })

  test.each(['10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', 'fe80::1%eth0', 'localhost'])(
    '%s is no network',
    (text) => {
      expect(() => parseNetwork(text)).toThrow(expect.objectContaining({ name: 'InvalidValue' }))
    },
  )
})
