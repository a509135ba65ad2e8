import type { SettledExchange } from '../../src/core/exchange.ts'
import { makeEndpoints } from './endpoints.ts'

/** A settled exchange as an access log sees it; `fields` are the request's, by lower-case name. */
export function settledExchange(
  parts: Partial<SettledExchange> = {},
  fields: Readonly<Record<string, string>> = { 'user-agent': 'curl/8.5.0' },
): SettledExchange {
  return {
    method: 'GET',
    host: 'shop.example.com',
    path: '/api/users/17',
    url: '/api/users/17?page=2',
    header: (name) => fields[name] ?? null,
    tried: null,
    requestId: '0b9c6a3e5d7f48a1',
    clientAddress: '203.0.113.7',
    listener: 'edge',
    routeId: '/api/users',
    serviceName: 'user-service',
    endpoint: makeEndpoints([1])[0] ?? null,
    attempts: 1,
    status: 200,
    failure: null,
    requestBytes: 0,
    responseBytes: 111,
    durationMs: 1.23456,
    logged: null,
    ...parts,
  }
}
