import { describe, expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { startGatewayProcess, startMortalGatewayProcess } from '../support/gateway-process.ts'
import { type HandoverStage, handoverStage } from '../support/handover-stage.ts'
import { isRunning, type Succession } from '../support/handover.ts'
import { RawTraffic } from '../support/raw-traffic.ts'

async function timelineOf(succession: Succession): Promise<readonly { type: string; cause: string }[]> {
  const answer = await fetch(`http://127.0.0.1:${succession.current.admin.port}/api/v1/timeline`)
  return ((await answer.json()) as { events: { type: string; cause: string }[] }).events
}

async function servesOn({ succession }: HandoverStage, traffic: RawTraffic, cause: string): Promise<void> {
  await traffic.more(100)
  expect((await traffic.stop()).failed).toEqual([])
  expect(succession.generations).toHaveLength(1)
  expect(isRunning(succession.first.pid)).toBe(true)
  const failures = (await timelineOf(succession)).filter(({ type }) => type === 'handover-failed')
  expect(failures).toMatchObject([{ cause }])
  const ready = await fetch(`http://127.0.0.1:${succession.current.admin.port}/readyz`)
  expect(ready.status).toBe(200)
}

/** A successor prepares under traffic, and is not ready: the registry does not answer it. */
async function preparing() {
  const stage = await handoverStage({}, { holdsRegistry: true })
  const { succession, hold } = stage
  const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
  hold()
  process.kill(succession.current.pid, 'SIGUSR2')
  const { pid } = await succession.nth('successor started', 1)
  return { stage, succession, traffic, pid: Number(pid) }
}

describe('a gateway serves on as if nothing had happened, and says why,', () => {
  it('when its successor does not take the configuration; and is replaced once that is mended', async () => {
    const stage = await handoverStage()
    const { succession, config } = stage
    const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
    await succession.file.write('routes: [')
    const cause = await succession.handOverInVain()
    expect(cause).toBe('it ended with code 1 before it served; this process serves on')
    await succession.first.complained(succession.file.path)
    await servesOn(stage, traffic, cause)

    await succession.file.write(JSON.stringify(config))
    await succession.handOver()
    expect(await succession.first.exited()).toBe(0)
  })

  it('when its successor finds an address taken', async () => {
    const stage = await handoverStage()
    const { succession, config, instances } = stage
    const taken = { name: 'taken', address: `127.0.0.1:${instances[0]?.port}` }
    const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
    await succession.file.write(
      JSON.stringify({ ...config, listeners: [{ name: 'edge', address: '127.0.0.1:0' }, taken] }),
    )
    const cause = await succession.handOverInVain()
    expect(cause).toBe('it ended with code 1 before it served; this process serves on')
    await succession.first.complained('listener taken: listen EADDRINUSE')
    await servesOn(stage, traffic, cause)
  })

  it('when its successor is to open the admin server at another host, and the port is not free there before this one goes', async () => {
    const [port = 0] = await freePorts(1)
    const admin = (host: string) => ({ address: `${host}:${port}`, token: 'a-token-of-tests' })
    const stage = await handoverStage({ admin: admin('0.0.0.0') })
    const { succession, config } = stage
    await succession.file.write(JSON.stringify({ ...config, admin: admin('127.0.0.1') }))
    // The configuration of the running process says so too; its server does not move.
    await succession.nth('config-applied', 1)
    await succession.handOverInVain()
    await succession.first.complained(`admin: can't listen on 127.0.0.1:${port} (EADDRINUSE)`)

    const [other = 0] = await freePorts(1)
    await succession.file.write(JSON.stringify({ ...config, admin: { address: `127.0.0.1:${other}` } }))
    await succession.nth('config-applied', 2)
    await succession.handOver()
    expect(succession.current.admin).toEqual({ host: '127.0.0.1', port: other })
  })

  it('when its successor is killed before it is ready', async () => {
    const { stage, succession, traffic, pid } = await preparing()
    await traffic.more(20)
    process.kill(pid, 'SIGKILL')
    const { cause } = await succession.nth('handover-failed', 1)
    expect(cause).toBe('it ended with SIGKILL before it served; this process serves on')
    await servesOn(stage, traffic, String(cause))
  })

  it('when its successor is told to end while it prepares, which it does at once', async () => {
    const { stage, succession, traffic, pid } = await preparing()
    await stage.asked()
    process.kill(pid, 'SIGTERM')
    const { cause } = await succession.nth('handover-failed', 1)
    expect(cause).toBe('it ended with code 1 before it served; this process serves on')
    await succession.first.complained(
      `tidegate: SIGTERM came before it took over from process ${succession.first.pid}\n`,
    )
    await servesOn(stage, traffic, String(cause))
  })

  it('when it loses a thread meanwhile: connections would wait in the successor, which does not accept; nor is one drained', async () => {
    const stage = await handoverStage({}, { holdsRegistry: true, start: startMortalGatewayProcess })
    const { succession, hold } = stage
    const workersUrl = `http://127.0.0.1:${succession.current.admin.port}/api/v1/workers`
    hold()
    process.kill(succession.current.pid, 'SIGUSR2')
    const { pid } = await succession.nth('successor started', 1)
    await stage.asked()
    const drain = await fetch(`${workersUrl}/0/drain`, { method: 'POST' })
    expect(drain.status).toBe(409)

    process.kill(succession.current.pid, 'SIGWINCH')
    const { cause } = await succession.nth('handover-failed', 1)
    expect(cause).toBe('a data thread was lost meanwhile; this process serves on')
    while (isRunning(Number(pid))) await new Promise((resolve) => setImmediate(resolve))
    await succession.nth('worker-replaced', 1)
    await servesOn(stage, new RawTraffic(succession.port(), 2, { keepAlive: false }), String(cause))
  })

  it('when no registry tells its successor of a service that it serves itself', async () => {
    const stage = await handoverStage({ readyTimeout: '300ms' }, { holdsRegistry: true })
    const { succession, hold } = stage
    const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
    hold()
    const cause = await succession.handOverInVain()
    expect(cause).toBe('no registry told it of only; this process serves on')
    await servesOn(stage, traffic, cause)
  })

  it('when it holds what the registry forgot, which is nothing to its successor', async () => {
    const stage = await handoverStage({}, { holdsRegistry: true })
    const { succession } = stage
    const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
    stage.forget()
    await succession.nth('held', 2)
    const cause = await succession.handOverInVain()
    expect(cause).toBe('no registry lists it an instance that serves only; this process serves on')
    await servesOn(stage, traffic, cause)
  })
})

describe('a second gateway', () => {
  it('that is started beside the first, finds its addresses taken and says so', async () => {
    const { succession, config } = await handoverStage()
    const { admin, listeners } = succession.current
    const address = `127.0.0.1:${listeners[0]?.port}`
    const start = async (adminPort: number) => {
      await succession.file.write(
        JSON.stringify({
          ...config,
          listeners: [{ name: 'edge', address }],
          admin: { address: `127.0.0.1:${adminPort}` },
        }),
      )
      const second = startGatewayProcess(succession.file.path)
      onTestFinished(async () => second.kill())
      return second.ended()
    }
    expect(await start(admin.port)).toEqual({
      code: 1,
      stderr: `tidegate: admin: can't listen on 127.0.0.1:${admin.port} (EADDRINUSE); set another admin.address, or end what listens there\n`,
    })
    expect(await start(0)).toEqual({
      code: 1,
      stderr: `tidegate: listener edge: listen EADDRINUSE: address already in use ${address}; end what listens there, or set another address\n`,
    })
  })
})
