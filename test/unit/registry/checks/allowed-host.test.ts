import { expect, it } from 'vitest'
import { refuseForeignUrl } from '../../../../src/registry/checks/allowed-host.ts'
import type { Service } from '../../../../src/registry/model.ts'

const service: Service = {
  id: 's',
  name: 's',
  tags: [],
  meta: null,
  address: '10.0.0.1',
  port: 80,
  taggedAddresses: { wan: { address: 'FE80::0001', port: 80 }, named: { address: 'Web.example', port: 80 } },
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
}

it.each([
  'http://10.0.0.1:81/x',
  'https://10.0.0.1/',
  'http://[fe80::1]/',
  'http://web.EXAMPLE/',
  'http://localhost:1/',
  'http://[::1]/',
])('lets a service have %s checked', (url) => {
  expect(() => refuseForeignUrl(url, service)).not.toThrow()
})

it.each([
  'http://10.0.0.2/',
  'http://169.254.169.254/latest',
  'http://10.0.0.1.evil.example/',
  'http://10.0.0.1@evil.example/',
])('refuses to check %s, which is somebody else', (url) => {
  expect(() => refuseForeignUrl(url, service)).toThrow('checks only')
})

it.each(['::nope', '/health', 'ftp://10.0.0.1/', 'file:///etc/passwd'])(
  'refuses %s, which HTTP cannot reach',
  (url) => {
    expect(() => refuseForeignUrl(url, service)).toThrow('must be an http or https URL')
  },
)

it('lets a check of the node look at loopback alone', () => {
  expect(() => refuseForeignUrl('http://127.9.9.9/', null)).not.toThrow()
  expect(() => refuseForeignUrl('http://10.0.0.1/', null)).toThrow('checks only')
})
