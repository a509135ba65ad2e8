import { describe, expect, test } from 'vitest'
import {
  mayBecomeResponseHead,
  parseResponseHead,
  ResponseHead,
  switchesAsAsked,
} from '../../../../src/proxy/h1/response-head.ts'

function parse(text: string, maxFields = 100): ResponseHead | null {
  const head = new ResponseHead()
  parseResponseHead(
    'HTTP/1.0 101 X\r\ncontent-length: 9\r\nconnection: close\r\nkeep-alive: timeout=1\r\nupgrade: x',
    100,
    head,
  )
  return parseResponseHead(text, maxFields, head) ? head : null
}

test('takes a response apart, and leaves nothing of the one before', () => {
  expect(parse('HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 7\r\nx: y')).toMatchObject({
    status: 404,
    reason: 'Not Found',
    minor: 1,
    contentLength: 7,
    chunked: false,
    keepAlive: true,
    keepAliveMs: -1,
    upgrade: null,
    carried: 'Server: x\r\nContent-Length: 7\r\nx: y\r\n',
  })
  expect(parse('HTTP/1.1 200 OK')).toMatchObject({ contentLength: -1, carried: '', keepAlive: true })
})

test.each(['HTTP/1.1 200', 'HTTP/1.1 200 ', 'HTTP/1.1 200\r\na: b'])('needs no reason phrase: %j', (text) => {
  expect(parse(text)).toMatchObject({ status: 200, reason: '' })
})

test.each([
  ['HTTP/1.1 200 OK', true],
  ['HTTP/1.1 200 OK\r\nconnection: close', false],
  ['HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nconnection: Close', false],
  ['HTTP/1.0 200 OK', false],
  ['HTTP/1.0 200 OK\r\nconnection: keep-alive', true],
])('%j keeps the connection: %s', (text, wanted) => {
  expect(parse(text)?.keepAlive).toBe(wanted)
})

test.each([
  ['timeout=5', 5000],
  ['max=100, timeout=7', 7000],
  ['TIMEOUT=3', 3000],
  ['timeout=', -1],
  ['timeout=5s', -1],
  ['timeout=-1', -1],
  ['5', -1],
])('reads Keep-Alive %j as %i ms', (value, wanted) => {
  expect(parse(`HTTP/1.1 200 OK\r\nkeep-alive: ${value}`)?.keepAliveMs).toBe(wanted)
})

describe('what is carried', () => {
  test('leaves out hop-by-hop fields and what Connection names', () => {
    const text = 'HTTP/1.1 200 OK\r\nA: 1\r\nconnection: x-a\r\nX-A: 2\r\ntransfer-encoding: chunked\r\nte: x\r\nB: 3'
    expect(parse(text)?.carried).toBe('A: 1\r\nB: 3\r\n')
  })

  test.each([100, 103, 204])('leaves out the length of a %i', (status) => {
    expect(parse(`HTTP/1.1 ${status} X\r\nA: 1\r\ncontent-length: 5\r\nB: 2`)?.carried).toBe('A: 1\r\nB: 2\r\n')
    const named = `HTTP/1.1 ${status} X\r\nconnection: x\r\nx: 1\r\ncontent-length: 5\r\nB: 2`
    expect(parse(named)?.carried).toBe('B: 2\r\n')
  })

  test('keeps fields that mean something in requests only', () => {
    const text = 'HTTP/1.1 200 OK\r\nProxy: x\r\nX-Real-IP: y\r\nx-request-id: z\r\nexpect: w'
    expect(parse(text)?.carried).toBe(`${text.slice(17)}\r\n`)
  })
})

test('refuses more fields than allowed', () => {
  expect(parse('HTTP/1.1 200 OK\r\na:\r\nb:', 2)).not.toBeNull()
  expect(parse('HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:', 2)).toBeNull()
})

test.each([
  ['', true],
  ['H', true],
  ['HTTP/1.1 2', true],
  ['HTTP/1.1 200 OK\r', true],
  ['HTTP/1.1 200 OK\r\na: b', true],
  ['h', false],
  ['HTTP/2', false],
  ['\r', false],
  ['HTTP/1.1 200 OK\n', false],
  ['HTTP/1.1 200 OK\r\na: b\n', false],
])('%j may become a response head: %s', (text, wanted) => {
  expect(mayBecomeResponseHead(text)).toBe(wanted)
})

test('accepts a switch to one of the protocols asked for only', () => {
  const head = parse('HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: WebSocket')
  if (head === null) throw new Error('a 101 is a response')
  expect(switchesAsAsked(head, 'websocket')).toBe(true)
  expect(switchesAsAsked(head, 'a, websocket')).toBe(true)
  expect(switchesAsAsked(head, 'a')).toBe(false)
  expect(switchesAsAsked(head, null)).toBe(false)
})
