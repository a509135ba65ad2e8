import { expect, it, describe, onTestFinished } from 'vitest'
import { readFile, writeFile } from 'node:fs/promises'
import type { EndpointView } from '../../src/control/views.ts'
import { Authority } from '../support/certificates.ts'
import { createConfigFile, startGatewayProcess } from '../support/gateway-process.ts'
import { isRunning } from '../support/handover.ts'
import { handoverStage } from '../support/handover-stage.ts'
import { header } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { RawTraffic } from '../support/raw-traffic.ts'
import { handshake as handshakeTls, ticketOf } from '../support/tls-client.ts'

describe.each([
  { workers: 2, engine: 'fast' },
  { workers: 0, engine: 'fast' },
  { workers: 2, engine: 'standard' },
] as const)('a gateway of $workers threads and engine $engine, replaced twice under load', ({ workers, engine }) => {
  it('answers every request, and resets no connection', async () => {
    const { succession } = await handoverStage({
      workers,
      listeners: [{ name: 'edge', address: '127.0.0.1:0', engine }],
    })
    const port = succession.port()
    const kept = new RawTraffic(port, 3)
    const single = new RawTraffic(port, 3, { keepAlive: false })
    for (let i = 1; i <= 2; i++) {
      await Promise.all([kept.more(100), single.more(100)])
      await succession.handOver()
      await succession.nth('stopped', i)
    }
    await Promise.all([kept.more(100), single.more(100)])

    expect((await kept.stop()).failed).toEqual([])
    expect((await single.stop()).failed).toEqual([])
    const { generations } = succession
    expect(generations.map(({ listeners }) => listeners[0]?.port)).toEqual([port, port, port])
    expect(new Set(generations.map(({ pid }) => pid)).size).toBe(3)
    expect(new Set(generations.map(({ admin }) => admin.port)).size).toBe(1)
    expect(succession.lines('stopped').map(({ cut }) => cut)).toEqual([0, 0])
    expect(succession.log.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(await succession.first.exited()).toBe(0)
  })
})

describe('a successor', () => {
  it('with more threads, then with fewer, and with other listeners, takes over what it wants of the sockets', async () => {
    const { succession, config } = await handoverStage({
      listeners: [
        { name: 'edge', address: '127.0.0.1:0' },
        { name: 'gone', address: '127.0.0.1:0' },
      ],
    })
    const [port, gone] = [succession.port(), succession.port('gone')]
    const edge = { name: 'edge', address: '127.0.0.1:0' }
    const traffic = new RawTraffic(port, 3, { keepAlive: false })
    await succession.file.write(
      JSON.stringify({ ...config, workers: 3, listeners: [edge, { name: 'added', address: '127.0.0.1:0' }] }),
    )
    await succession.handOver()
    await succession.nth('stopped', 1)
    expect(succession.lines('no listener wants this socket; it is closed')).toMatchObject([
      { name: 'gone', address: `127.0.0.1:${gone}` },
      { name: 'gone', address: `127.0.0.1:${gone}` },
    ])
    await expect(RawClient.connect(gone)).rejects.toThrow('ECONNREFUSED')
    const added = new RawTraffic(succession.port('added'), 2)
    await added.more(20)
    expect((await added.stop()).failed).toEqual([])
    for (const [turn, workers] of [1, 0, 2].entries()) {
      await succession.file.write(JSON.stringify({ ...config, workers, listeners: [edge] }))
      await succession.handOver()
      await succession.nth('stopped', 2 + turn)
      await traffic.more(100)
    }
    expect((await traffic.stop()).failed).toEqual([])
    expect(succession.port()).toBe(port)
  })

  it('takes over an address that another name has now', async () => {
    const { succession, config } = await handoverStage()
    const port = succession.port()
    const renamed = [{ name: 'front', address: `127.0.0.1:${port}` }]
    await succession.file.write(JSON.stringify({ ...config, listeners: renamed }))
    const traffic = new RawTraffic(port, 2, { keepAlive: false })
    await succession.handOver()
    await succession.nth('stopped', 1)
    await traffic.more(50)
    expect((await traffic.stop()).failed).toEqual([])
    expect(succession.port('front')).toBe(port)
  })

  it('whose threads are replaced hands on the sockets that they opened', async () => {
    const { succession } = await handoverStage()
    await succession.handOver()
    await succession.nth('stopped', 1)
    const traffic = new RawTraffic(succession.port(), 3, { keepAlive: false })
    for (const [turn, column] of [0, 1].entries()) {
      const drained = await fetch(`http://127.0.0.1:${succession.current.admin.port}/api/v1/workers/${column}/drain`, {
        method: 'POST',
      })
      expect(drained.status).toBe(202)
      await succession.nth('data thread replaced', turn + 1)
    }
    await traffic.more(50)
    const before = await traffic.stop()
    const onward = new RawTraffic(succession.port(), 3, { keepAlive: false })
    await onward.more(50)
    await succession.handOver()
    await succession.nth('stopped', 2)
    await onward.more(50)
    expect((await onward.stop()).failed).toEqual([])
    // A thread that drains resets what waits for it where the system hands nothing over; a handover does not.
    expect(before.failed.filter((what) => !/ECONNRESET|ended \(reset\) after ""/.test(what))).toEqual([])
  })
})

describe('what a successor inherits besides sockets', () => {
  it('are the orders of operators', async () => {
    const { succession } = await handoverStage()
    const api = () => `http://127.0.0.1:${succession.current.admin.port}/api/v1`
    const endpoints = async () => {
      const service = (await (await fetch(`${api()}/services/only`)).json()) as { endpoints: EndpointView[] }
      return service.endpoints.map(({ id, state, drainedUntil }) => ({ id, state, drainedUntil }))
    }
    const [drained, ejected] = (await endpoints()).map(({ id }) => encodeURIComponent(id))
    await fetch(`${api()}/endpoints/${drained}/drain?duration=1h`, { method: 'POST' })
    await fetch(`${api()}/endpoints/${ejected}/eject`, { method: 'POST' })
    const before = await endpoints()
    expect(before).toMatchObject([
      { state: 'draining', drainedUntil: expect.any(String) },
      { state: 'ejected', drainedUntil: null },
    ])
    await succession.handOver()
    await succession.nth('stopped', 1)
    expect(await endpoints()).toEqual(before)
    await fetch(`${api()}/endpoints/${ejected}/restore`, { method: 'POST' })
    expect((await endpoints()).map(({ state }) => state)).toEqual(['draining', 'eligible'])
  })

  it('are session tickets, and the name in the pid file', async () => {
    const authority = Authority.create('servers')
    const files = await createConfigFile('')
    onTestFinished(async () => files.remove())
    const { cert, key } = authority.issue({ names: ['edge.test'] })
    const [certFile, keyFile, pidFile] = ['.crt', '.key', '.pid'].map((end) => files.path + end) as [
      string,
      string,
      string,
    ]
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
    const tls = { certificates: [{ cert: certFile, key: keyFile }] }
    const { succession } = await handoverStage(
      { workers: 1, listeners: [{ name: 'edge', address: '127.0.0.1:0', tls }] },
      { start: (file) => startGatewayProcess(file, '--pid-file', pidFile) },
    )
    const session = await ticketOf(succession.port(), { ca: authority.cert })
    await succession.handOver()
    await succession.nth('stopped', 1)
    expect(await handshakeTls(succession.port(), { ca: authority.cert, session })).toMatchObject({ isResumed: true })
    const { pid } = succession.current
    expect(await readFile(pidFile, 'utf8')).toBe(`${pid}\n`)
    process.kill(pid, 'SIGTERM')
    await succession.nth('stopped', 2)
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve))
    await expect(readFile(pidFile)).rejects.toThrow('ENOENT')
  })
})

const handshake = 'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'

describe('a tunnel', () => {
  it('outlives reloads, stays with the old process over a handover, and ends at the deadline', async () => {
    const { succession, config } = await handoverStage({ shutdown: { deadline: '3s' } }, { upgrades: true })
    const tunnel = await RawClient.connect(succession.port())
    onTestFinished(() => tunnel.destroy())
    expect((await tunnel.send(handshake).response()).status).toBe(101)
    const echo = async (text: string) => {
      const wanted = tunnel.received.length + text.length
      await tunnel.send(text).bytes(wanted)
      expect(tunnel.received.endsWith(text)).toBe(true)
    }
    await echo('one')
    for (const [turn, path] of ['/a', '/b'].entries()) {
      await succession.file.write(JSON.stringify({ ...config, routes: [{ path, service: 'only' }] }))
      process.kill(succession.current.pid, 'SIGHUP')
      await succession.nth('config-applied', turn + 1)
      await echo(path)
    }
    await succession.file.write(JSON.stringify(config))
    await succession.handOver()
    await succession.nth('draining', 1)
    await echo('two')

    await tunnel.rest()
    expect(await succession.nth('stopped', 1)).toMatchObject({ cut: 1 })
    expect(await succession.first.exited()).toBe(0)
  })

  it('and an answer under way end with the old process: the answer says so', async () => {
    const { succession, instances } = await handoverStage({ workers: 1 })
    for (const instance of instances) instance.mode = 'gated'
    const client = await RawClient.connect(succession.port())
    onTestFinished(() => client.destroy())
    const arrived = Promise.race(instances.map((instance) => instance.received(1)))
    client.send('POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
    await arrived
    await succession.handOver()
    const { pid } = await succession.nth('draining', 1)
    // For whoever serves now; the one that drains goes on.
    process.kill(Number(pid), 'SIGHUP')
    for (const instance of instances) instance.release()
    const response = await client.response()
    expect([response.status, header(response, 'connection')]).toEqual([200, 'close'])
    await succession.nth('stopped', 1)
    expect(await succession.first.exited()).toBe(0)
  })
})

describe('a gateway that goes away while its successor prepares', () => {
  it('because it shuts down, takes the successor along', async () => {
    const { succession, hold } = await handoverStage({}, { holdsRegistry: true })
    hold()
    process.kill(succession.current.pid, 'SIGUSR2')
    const { pid } = await succession.nth('successor started', 1)
    process.kill(succession.current.pid, 'SIGTERM')
    expect(await succession.first.exited()).toBe(0)
    while (isRunning(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
    await expect(RawClient.connect(succession.port())).rejects.toThrow('ECONNREFUSED')
  })

  it('because it is told to end twice, takes the successor along, too', async () => {
    const stage = await handoverStage({}, { holdsRegistry: true })
    const { succession } = stage
    stage.hold()
    process.kill(succession.current.pid, 'SIGUSR2')
    const { pid } = await succession.nth('successor started', 1)
    await stage.asked()
    process.kill(succession.current.pid, 'SIGTERM')
    await succession.nth('handover-failed', 1)
    process.kill(succession.current.pid, 'SIGTERM')
    // Nobody is left who could kill it, and its registry never answers.
    expect(await succession.first.exited()).not.toBe(0)
    while (isRunning(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
    expect(succession.generations).toHaveLength(1)
  })

  it('because it is told to end when the successor has leave to serve, has that drain, too', async () => {
    const { succession, config } = await handoverStage()
    // Threads take their time to start: leave is given, and nobody listens yet.
    await succession.file.write(JSON.stringify({ ...config, workers: 4 }))
    process.kill(succession.current.pid, 'SIGUSR2')
    const { pid } = await succession.nth('successor started', 1)
    await succession.nth('successor granted', 1)
    process.kill(succession.first.pid, 'SIGTERM')
    expect(await succession.first.exited()).toBe(0)
    while (isRunning(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
    await succession.nth('stopped', 2)
    expect(succession.lines('stopped').map((line) => line['cut'])).toEqual([0, 0])
    expect(succession.lines('handover-failed')).toEqual([])
  })

  it('because it is killed, is followed by it', async () => {
    const { succession, hold, letGo } = await handoverStage({}, { holdsRegistry: true })
    hold()
    const old = succession.current.pid
    process.kill(old, 'SIGUSR2')
    await succession.nth('successor started', 1)
    process.kill(old, 'SIGKILL')
    await succession.first.exited()
    const waiting = await RawClient.connect(succession.port())
    onTestFinished(() => waiting.destroy())
    waiting.send('GET /waits HTTP/1.1\r\nhost: a\r\n\r\n')
    letGo()
    expect(await waiting.response()).toMatchObject({ status: 200 })
  })
})
