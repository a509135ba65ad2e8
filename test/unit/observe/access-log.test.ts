import * as fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { failures, type Failure } from '../../../src/core/failure.ts'
import { createAccessLog } from '../../../src/observe/access-log.ts'
import { atomicBytes } from '../../../src/observe/log-sink.ts'
import { settledExchange } from '../../support/exchange.ts'

function logged(...[exchange, now = 0]: [ReturnType<typeof settledExchange>, number?]): string {
  const lines: string[] = []
  createAccessLog({ write: (line) => lines.push(line) }, () => now)(exchange)
  return lines.join('')
}

describe('access log', () => {
  test('writes one line per exchange with everything about it', () => {
    const line = logged(settledExchange({}, { 'user-agent': 'curl/8.5.0', referer: 'https://a.example/' }), 1.7e12 + 45)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: '2023-11-14T22:13:20.045Z',
      requestId: '0b9c6a3e5d7f48a1',
      client: '203.0.113.7',
      listener: 'edge',
      method: 'GET',
      host: 'shop.example.com',
      url: '/api/users/17?page=2',
      status: 200,
      failure: null,
      route: '/api/users',
      service: 'user-service',
      endpoint: 'test/node/instance-0@127.0.0.1:9000',
      attempts: 1,
      requestBytes: 0,
      responseBytes: 111,
      durationMs: 1.235,
      userAgent: 'curl/8.5.0',
      referer: 'https://a.example/',
      msg: 'request',
    })
  })

  test('writes the very line that pino writes of the same fields', () => {
    const line = logged(settledExchange({ url: '/a"b\\c?d=1' }), Date.now())
    const { level: _level, time, msg, ...fields } = JSON.parse(line)
    let ofPino = ''
    const logger = pino(
      { base: null, timestamp: () => `,"time":"${time}"`, formatters: { level: (label) => ({ level: label }) } },
      { write: (text) => (ofPino += text) },
    )
    logger.info(fields, msg)
    expect(line).toBe(ofPino)
  })

  test('makes what repeats on a connection once, until the engine says that it is new', () => {
    const exchange = { ...settledExchange(), header: (name: string) => `${name} of the first` }
    const log = createAccessLog({ write: (line) => lines.push(JSON.parse(line)) })
    const lines: unknown[] = []
    log(exchange)
    log(Object.assign(exchange, { url: '/second', method: 'PUT', status: 404, durationMs: 2 }))
    log(Object.assign(exchange, { logged: null, clientAddress: '203.0.113.9', header: () => 'new' }))
    expect(lines).toMatchObject([
      { method: 'GET', url: '/api/users/17?page=2', userAgent: 'user-agent of the first' },
      { method: 'PUT', url: '/second', status: 404, durationMs: 2, userAgent: 'user-agent of the first' },
      { client: '203.0.113.9', userAgent: 'new', referer: 'new' },
    ])
  })

  test('writes a time with three decimals at most, as a number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double({ min: 0, max: 5000, noNaN: true }), fc.double({ noNaN: true })), (durationMs) => {
        const { durationMs: written } = JSON.parse(logged(settledExchange({ durationMs })))
        const rounded = Math.round(durationMs * 1000) / 1000
        expect(written).toBe(Number.isFinite(rounded) ? rounded + 0 : null)
      }),
    )
  })

  test('says what is not there with null', () => {
    const exchange = settledExchange({ routeId: null, serviceName: null, endpoint: null, failure: 'no-route' }, {})
    expect(JSON.parse(logged(exchange))).toMatchObject({
      route: null,
      service: null,
      endpoint: null,
      failure: 'no-route',
      userAgent: null,
      referer: null,
    })
  })

  test('formats times like toISOString, at the edges of seconds and years too', () => {
    const times = [0, 7, 999, 1000, 59_999, Date.UTC(1999, 11, 31, 23, 59, 59, 999), Date.UTC(2024, 1, 29), 1009]
    let now = 0
    const lines: string[] = []
    const log = createAccessLog({ write: (line) => lines.push(line) }, () => now)
    for (now of times) log(settledExchange())
    expect(lines.map((line): unknown => JSON.parse(line).time)).toEqual(times.map((ms) => new Date(ms).toISOString()))
  })

  test('asks for no field that may carry a secret', () => {
    const asked: string[] = []
    const exchange = settledExchange({ header: (name) => (asked.push(name), 'x') })
    logged(exchange)
    expect(asked).toEqual(['user-agent', 'referer'])
  })

  test('stays valid JSON in one ASCII line that a pipe keeps whole, whatever a client sends', () => {
    const text = fc.string({ unit: 'binary', size: 'large', maxLength: 10_000 })
    const arbitrary = fc.record({
      requestId: text,
      clientAddress: text,
      listener: text,
      method: text,
      host: text,
      url: text,
      routeId: fc.option(text),
      serviceName: fc.option(text),
      field: fc.option(text),
      failure: fc.option(fc.constantFrom(...(Object.keys(failures) as Failure[]))),
      requestBytes: fc.maxSafeNat(),
      responseBytes: fc.maxSafeNat(),
      durationMs: fc.double(),
    })
    const property = fc.property(arbitrary, ({ field, ...parts }) => {
      const line = logged(settledExchange({ ...parts, header: () => field }))
      const parsed: unknown = JSON.parse(line)
      return typeof parsed === 'object' && /^[ -~]*\n$/.test(line) && line.length <= atomicBytes
    })
    expect(fc.check(property).failed).toBe(false)
  })
})
