import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { spawn } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import type { RunOptions } from '../../../../src/join/run/run-program.ts'
import { createRegistry } from '../../../../src/registry/registry.ts'
import { consulApi } from '../../../support/consul-api.ts'
import { CommandProcess, runCommand } from '../../../support/cli.ts'
import { freePorts } from '../../../support/free-ports.ts'
import { register } from '../../../support/registration.ts'

const nowhere = ['--registry', 'consul://127.0.0.1:1']

function run(port: number, code: string, ...flags: readonly string[]): CommandProcess {
  const args = ['run', '--name', 'program', '--port', String(port), '--address', '127.0.0.1', ...flags]
  const started = new CommandProcess(...args, '--', process.execPath, '-e', code)
  onTestFinished(() => void started.child.kill('SIGKILL'))
  return started
}

const serving = (port: number, also: string): string => `
  require('node:http').createServer((q, a) => a.end()).listen(${port}, '127.0.0.1', () => { console.log('up'); ${also} })
`

/** A registry that hangs up on everybody. */
async function brokenRegistry() {
  const asked = Promise.withResolvers<void>()
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}).destroy()
    asked.resolve()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `consul://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: asked.promise }
}

/** Runs a program that waits an hour for its registry, which hangs up on everybody. Resolves while it waits. */
async function runWaiting(code: string) {
  const [port = 0] = await freePorts(1)
  const registry = await brokenRegistry()
  const options: RunOptions = {
    command: process.execPath,
    args: ['-e', `${code}; ${serving(port, '')}`],
    registration: { name: 'program', port, address: '127.0.0.1', registry: registry.url, joinTimeout: '1h' },
    waitMs: 3_600_000,
    killAfterMs: 3_600_000,
  }
  const entry = new URL('../../../../src/join/run/run-program.ts', import.meta.url).href
  const script = `
    const { runProgram } = await import(${JSON.stringify(entry)})
    process.exitCode = await runProgram(${JSON.stringify(options)})
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  await Promise.race([registry.asked, exit])
  return {
    signal: (name: NodeJS.Signals) => void child.kill(name),
    exitCode: async () => ((await exit) as [number | null])[0],
  }
}

it('a program that ends by itself while the registry is out of reach gives its exit code without waiting for that', async () => {
  const running = await runWaiting(`process.on('SIGHUP', () => process.exit(3))`)
  // Passed on as it comes.
  running.signal('SIGHUP')
  expect(await running.exitCode()).toBe(3)
})

it('a program is told to end without waiting for a registry that is out of reach', async () => {
  const running = await runWaiting(`process.on('SIGTERM', () => process.exit(5))`)
  running.signal('SIGTERM')
  expect(await running.exitCode()).toBe(5)
})

it('a program that is killed takes with it what it had started', async () => {
  const [port = 0] = await freePorts(1)
  const inner = `process.on('SIGTERM', () => {}); ${serving(port, '')}`
  const outer = `
    process.on('SIGTERM', () => {})
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' })
  `
  const started = run(port, outer, '--kill-after', '10ms', ...nowhere)
  await started.says('up')
  started.child.kill('SIGTERM')
  // Standard output is the inner program's, too: it is closed once both are gone.
  expect((await started.ended()).exitCode).toBe(137)
})

it('a process that joins before it has work of its own does not end for the registry’s being away', async () => {
  const entry = new URL('../../../../src/register.ts', import.meta.url).href
  const code = `
    const { register } = await import(${JSON.stringify(entry)})
    const { state } = await register({ name: 'x', port: 1, registry: 'consul://127.0.0.1:1', joinTimeout: 300, onEvent: () => {} })
    console.log(state)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  const [exitCode] = await once(child, 'close')
  expect([exitCode, said]).toEqual([0, 'joining\n'])
})

it('zombies are what takes no connections; what has no port may be alive', async () => {
  const registry = createRegistry({ port: 0 })
  onTestFinished(() => registry.close())
  const { address } = await registry.start()
  const api = consulApi(address)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const [dead = 0] = await freePorts(1)
  const { port: alive } = server.address() as { port: number }
  for (const port of [dead, alive, 0])
    await register(api, { service: 'mixed', instance: { id: `mixed-${port}`, port } })
  const { stdout, exitCode } = await runCommand(
    'zombies',
    'mixed',
    '--remove',
    '--registry',
    address.replace('http', 'consul'),
  )
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`mixed-${dead}`)
  const { json } = await api<{ Service: { ID: string } }[]>('GET', '/v1/health/service/mixed')
  expect((json ?? []).map(({ Service }) => Service.ID).toSorted()).toEqual([`mixed-${alive}`, 'mixed-0'].toSorted())
})
