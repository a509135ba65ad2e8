import { expect, it } from 'vitest'
import { refuseForeignProbe } from '../../../../src/registry/checks/allowed-host.ts'
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

const schedule = {
  intervalMs: 1000,
  timeoutMs: 1000,
  successBeforePassing: 0,
  failuresBeforeWarning: 0,
  failuresBeforeCritical: 0,
}
const http = { type: 'http', method: 'GET', header: {}, body: '', tlsServerName: '', tlsSkipVerify: false } as const

function refuse(url: string, of: Service | null = service): void {
  refuseForeignProbe({ ...schedule, ...http, url }, of)
}

function refuseAddress(address: string): void {
  refuseForeignProbe({ ...schedule, type: 'tcp', address }, service)
  refuseForeignProbe(
    { ...schedule, type: 'grpc', address, service: '', useTls: false, tlsServerName: '', tlsSkipVerify: false },
    service,
  )
}

it.each([
  'http://10.0.0.1:81/x',
  'https://10.0.0.1/',
  'http://[fe80::1]/',
  'http://web.EXAMPLE/',
  'http://localhost:1/',
  'http://[::1]/',
])('lets a service have %s checked', (url) => {
  expect(() => refuse(url)).not.toThrow()
})

it.each([
  'http://10.0.0.2/',
  'http://169.254.169.254/latest',
  'http://10.0.0.1.evil.example/',
  'http://10.0.0.1@evil.example/',
])('refuses to check %s, which is somebody else', (url) => {
  expect(() => refuse(url)).toThrow('checks only')
})

it.each(['::nope', '/health', 'ftp://10.0.0.1/', 'file:///etc/passwd'])(
  'refuses %s, which HTTP cannot reach',
  (url) => {
    expect(() => refuse(url)).toThrow('must be an http or https URL')
  },
)

it('lets a check of the node look at loopback alone', () => {
  expect(() => refuse('http://127.9.9.9/', null)).not.toThrow()
  expect(() => refuse('http://10.0.0.1/', null)).toThrow('checks only')
})

it.each(['10.0.0.1:81', '[fe80::0001]:1', 'WEB.example:80', 'localhost:1', '127.1:1', '[::1]:65535'])(
  'lets a service have connections to %s checked',
  (address) => {
    expect(() => refuseAddress(address)).not.toThrow()
  },
)

it.each(['10.0.0.2:80', '169.254.169.254:80', '10.0.0.1.evil.example:80'])(
  'refuses connections to %s, which is somebody else',
  (address) => {
    expect(() => refuseAddress(address)).toThrow('checks only')
  },
)

it.each(['10.0.0.1', ':80', '::1:80', '10.0.0.1:70000', '10.0.0.1:80/path', 'me@10.0.0.1:80'])(
  'refuses %s, which is no host and port',
  (address) => {
    expect(() => refuseAddress(address)).toThrow('must be host:port')
  },
)
