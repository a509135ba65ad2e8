import { afterEach, expect, test } from 'vitest'
import { failures, type Failure } from '../../src/core/failure.ts'
import type { EngineOptions } from '../support/engine.ts'
import { freePorts } from '../support/free-ports.ts'
import { header } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer, type Script } from '../support/recording-origin.ts'
import { expectProblem, setStage, type Stage } from '../support/stage.ts'

let stage: Stage
afterEach(async () => stage.close())

interface Case {
  readonly bytes: string
  readonly options?: Omit<EngineOptions, 'origins'>
  readonly script?: Script
  /** Status of the next answer on the connection, where it stays open. */
  readonly next?: number
}

async function expectClosed(client: RawClient): Promise<void> {
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
}

async function expectGoesOn(client: RawClient, status: number): Promise<void> {
  stage.origin.script = ({ target }) => answer(target)
  expect((await client.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n').response()).status).toBe(status)
}

const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const post = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi'
const silent: Script = () => undefined
const once = { retry: { attempts: 0 } }

/** For what never comes; what does, comes within it on a busy machine, too. */
const shortMs = 300

/** How the engine is brought to each failure that it answers itself. Those that cut, or answer nobody, are not here. */
const cases: Partial<Record<Failure, Case>> = {
  'no-route': { bytes: get, options: { route: { path: '/other' } }, next: 404 },
  'bad-request': { bytes: 'GET / HTTP/1.1\r\n\r\n' },
  'request-timeout': { bytes: 'GET / HT', options: { listener: { timeouts: { headMs: shortMs } } } },
  'body-too-large': { bytes: post, options: { listener: { limits: { bodyBytes: 1 } } } },
  'uri-too-long': { bytes: get, options: { listener: { limits: { headBytes: 10 } } } },
  'headers-too-large': { bytes: get, options: { listener: { limits: { headBytes: 20 } } } },
  'expectation-failed': { bytes: post.replace('host', 'expect: tea\r\nhost') },
  'method-refused': { bytes: get.replace('GET', 'TRACE') },
  'not-implemented': { bytes: post.replace(/content-length: 2/, 'transfer-encoding: gzip, chunked') },
  version: { bytes: get.replace('1.1', '3.0') },
  'no-endpoint': { bytes: get, options: { route: { service: 'empty' } }, next: 503 },
  'reset-before-head': { bytes: post, script: ({ connection }) => void connection.socket.destroy() },
  'bad-response': { bytes: get, script: () => 'nonsense\r\n\r\n' },
  'head-timeout': { bytes: get, script: silent, options: { service: { headTimeoutMs: shortMs } } },
  'total-timeout': { bytes: get, script: silent, options: { route: { ...once, timeoutMs: shortMs } } },
}

test.each(Object.entries(cases) as [Failure, Case][])(
  '%s is answered as the table of failures says',
  async (failure, row) => {
    stage = await setStage(row.options, row.script)
    const client = await RawClient.connect(stage.engine.port)
    const response = await client.send(row.bytes).response()
    expectProblem(response, failure)
    expect(header(response, 'connection')).toBe(failures[failure].closes ? 'close' : undefined)
    expect(header(response, 'retry-after')).toBe(failure === 'no-endpoint' ? '1' : undefined)
    expect(header(response, 'allow')).toBe(
      failure === 'method-refused' ? 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' : undefined,
    )
    const settled = await stage.engine.settledAt(1)
    expect(settled).toMatchObject({ failure, status: response.status, requestId: header(response, 'x-request-id') })
    await (failures[failure].closes ? expectClosed(client) : expectGoesOn(client, row.next ?? 200))
    client.destroy()
  },
)

test('an endpoint whose port is closed is answered as refused', async () => {
  stage = await setStage()
  const [port = 0] = await freePorts(1)
  await stage.engine.publish([{ port }])
  const client = await RawClient.connect(stage.engine.port)
  expectProblem(await client.send(get).response(), 'connect-refused')
  client.destroy()
})

test('an endpoint that can not be reached is answered as one that did not accept in time', async () => {
  stage = await setStage()
  await stage.engine.publish([{ port: 9, host: '255.255.255.255' }])
  const client = await RawClient.connect(stage.engine.port)
  expectProblem(await client.send(get).response(), 'connect-timeout')
  client.destroy()
})

test('a connection too many is answered and closed', async () => {
  stage = await setStage({ listener: { limits: { connections: 1 } } })
  const first = await RawClient.connect(stage.engine.port)
  expect((await first.send(get).response()).status).toBe(200)
  const second = await RawClient.connect(stage.engine.port)
  const response = await second.send(get).response()
  expectProblem(response, 'overloaded')
  expect([header(response, 'connection'), header(response, 'retry-after')]).toEqual(['close', '1'])
  expect(await second.rest()).toEqual({ text: '', ending: 'fin' })
  second.destroy()
  expect((await first.send(get).response()).status).toBe(200)
  expect(stage.origin.requests).toHaveLength(2)
  first.destroy()
})

test('HEAD gets the fields of a problem document without its body', async () => {
  stage = await setStage({ route: { path: '/other' } })
  const client = await RawClient.connect(stage.engine.port)
  client.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const head = await client.response({ bodyless: true })
  expect(header(head, 'x-tidegate-error')).toBe('no-route')
  expectProblem(await client.response(), 'no-route')
  client.destroy()
})

test('a body that is late is answered, and its upstream connection let go', async () => {
  stage = await setStage({ listener: { timeouts: { bodyMs: 50 } } })
  const client = await RawClient.connect(stage.engine.port)
  const response = await client.send(post.slice(0, -1)).response()
  expectProblem(response, 'request-timeout')
  expect(header(response, 'connection')).toBe('close')
  const connection = await stage.origin.connectionAt(1)
  await connection.closed()
  expect(connection.requests).toEqual([])
  client.destroy()
})

test('a refusal that comes before the end of a body closes the connection', async () => {
  stage = await setStage({ route: { path: '/other' } })
  const client = await RawClient.connect(stage.engine.port)
  const response = await client.send(post.slice(0, -1)).response()
  expectProblem(response, 'no-route')
  expect(header(response, 'connection')).toBe('close')
  expect((await client.rest()).ending).toBe('fin')
  client.destroy()
})

test('an empty line behind a request is not taken for the beginning of another', async () => {
  stage = await setStage({ listener: { timeouts: { headMs: shortMs, idleMs: 3 * shortMs } } })
  const client = await RawClient.connect(stage.engine.port)
  expect((await client.send(`${get}\r\n`).response()).status).toBe(200)
  expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
  client.destroy()
})
