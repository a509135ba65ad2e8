import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CommandProcess, runCommand } from '../support/cli.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'

let consul: Consul
let registry: string[]

beforeAll(async () => {
  consul = await startConsul()
  registry = ['--registry', `consul://127.0.0.1:${consul.port}`]
})

afterAll(async () => consul.stop())

interface Entry {
  readonly Service: { readonly ID: string; readonly Port: number; readonly Tags: string[] }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string; readonly Output: string }[]
}

/** The entries of a service, once they are as wanted. */
async function listed(service: string, isWanted: (entries: Entry[]) => boolean = () => true): Promise<Entry[]> {
  for (let index = '0'; ;) {
    const answer = await consul.api<Entry[]>('GET', `/v1/health/service/${service}?index=${index}&wait=10s`)
    const entries = answer.json ?? []
    if (isWanted(entries)) return entries
    index = answer.headers.get('x-consul-index') ?? '0'
  }
}

async function freePort(): Promise<number> {
  return (await freePorts(1))[0] ?? 0
}

/** Code of a program that serves on `port`, with `also` run before it does. */
const program = (port: number, also: string): string => `
  const server = require('node:http').createServer((q, a) => { a.statusCode = globalThis.code ?? 200; a.end('hello') })
  ${also}
  server.listen(${port}, '127.0.0.1')
`

function run(service: string, port: number, code: string, ...flags: string[]): CommandProcess {
  const to = ['--address', '127.0.0.1', '--settle', '0', ...registry]
  const args = ['run', '--name', service, '--port', String(port), ...to, ...flags]
  const started = new CommandProcess(...args, '--', process.execPath, '-e', code)
  onTestFinished(() => void started.child.kill('SIGKILL'))
  return started
}

const isOne = (entries: Entry[]): boolean => entries.length === 1

const hasStatus = (wanted: string) => (entries: Entry[]) => {
  return entries.some(({ Checks }) =>
    Checks.some((check) => check.CheckID.startsWith('service:') && check.Status === wanted),
  )
}

describe('tidegate run', () => {
  it('registers the program once it serves; on SIGTERM it is out of the registry before it is told to end', async () => {
    const port = await freePort()
    const url = `${consul.address}/v1/health/service/run-term`
    const onTerm = `process.on('SIGTERM', async () => {
      const entries = await (await fetch('${url}')).json()
      console.log('told to end with', entries.length, 'entries')
      process.exit(7)
    })`
    const started = run('run-term', port, program(port, onTerm), '--tag', 'a', '--tag', 'b', '--version', '2')
    const [entry] = await listed('run-term', isOne)
    expect(entry?.Service).toMatchObject({ Port: port, Tags: ['a', 'b'], Meta: { version: '2' } })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello')
    started.child.kill('SIGTERM')
    expect(await started.ended()).toMatchObject({ exitCode: 7, stdout: 'told to end with 0 entries\n' })
  })

  it('ends with the exit code of a program that ends by itself, which is deregistered', async () => {
    const port = await freePort()
    const onHup = `process.on('SIGHUP', () => process.exit(3))`
    const started = run('run-exit', port, program(port, onHup))
    await listed('run-exit', isOne)
    // Passed on as it comes.
    started.child.kill('SIGHUP')
    expect((await started.ended()).exitCode).toBe(3)
    expect(await listed('run-exit')).toEqual([])
  })

  it('ends as a shell would after a program that a signal killed', async () => {
    const port = await freePort()
    const started = run(
      'run-killed',
      port,
      program(port, `process.on('SIGHUP', () => process.kill(process.pid, 'SIGKILL'))`),
    )
    await listed('run-killed', isOne)
    started.child.kill('SIGHUP')
    expect((await started.ended()).exitCode).toBe(137)
    expect(await listed('run-killed')).toEqual([])
  })

  it('kills a program that does not end in time', async () => {
    const port = await freePort()
    const started = run('run-deaf', port, program(port, `process.on('SIGTERM', () => {})`), '--kill-after', '10ms')
    await listed('run-deaf', isOne)
    started.child.kill('SIGTERM')
    expect((await started.ended()).exitCode).toBe(137)
  })

  it('passes a SIGTERM on that comes before the port is open, and registers nothing', async () => {
    const started = run('run-early', await freePort(), `console.log('up'); setInterval(() => {}, 1e6)`)
    await started.says('up')
    started.child.kill('SIGTERM')
    expect((await started.ended()).exitCode).toBe(143)
    expect(await listed('run-early')).toEqual([])
  })

  it('says what is wrong when the port never opens, and ends the program', async () => {
    const started = run('run-closed', await freePort(), 'setInterval(() => {}, 1e6)', '--wait', '100ms')
    const { exitCode, stderr } = await started.ended()
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^tidegate: port \d+ is not open after 0.1 s; is it the right one\?\n$/)
  })

  it('says what is wrong when the program can not be started', async () => {
    const args = ['--name', 'none', '--port', '1', ...registry]
    const { exitCode, stderr } = await runCommand('run', ...args, '--', '/no/such/program')
    expect(exitCode).toBe(1)
    expect(stderr).toBe("tidegate: /no/such/program can't be started: spawn /no/such/program ENOENT\n")
  })

  it('with --watch-health asks the program itself, and the registry learns what it says', async () => {
    const port = await freePort()
    const onHup = `process.on('SIGHUP', () => { globalThis.code = 500 })`
    const flags = ['--check', 'http:/health', '--watch-health']
    const started = run('run-watched', port, program(port, onHup), ...flags)
    await listed('run-watched', hasStatus('passing'))
    started.child.kill('SIGHUP')
    const [entry] = await listed('run-watched', hasStatus('critical'))
    expect(entry?.Checks.map(({ Output }) => Output)).toContain('/health answers 500')
    started.child.kill('SIGTERM')
    await started.ended()
  })

  it.each([
    [['--name', 'x'], 'run needs the program after `--`'],
    [['--name', 'x', '--', 'true'], 'run needs --name NAME and --port PORT'],
    [['--name', 'x', '--port', '1', '--check', 'htp', '--', 'true'], '--check takes http:/health'],
    [['--name', 'x', '--port', '1', '--watch-health', '--', 'true'], '--watch-health needs'],
    [['--name', 'x', '--port', '1', '--meta', 'novalue', '--', 'true'], '--meta takes KEY=VALUE'],
  ])('refuses %j', async (args, why) => {
    const { exitCode, stderr } = await runCommand('run', ...args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(why)
  })
})

describe('what looks after a registry', () => {
  it('registers what runs already, lists it, finds it dead, and removes it', async () => {
    const port = await freePort()
    const name = ['--name', 'by-hand']
    const registered = await runCommand('register', ...name, '--port', String(port), '--id', 'h1', ...registry)
    expect(registered).toMatchObject({ exitCode: 0, stderr: '' })
    expect(registered.stdout).toBe(`by-hand is registered as h1 at consul at 127.0.0.1:${consul.port}\n`)

    const shown = await runCommand('instances', 'by-hand', ...registry)
    expect(shown.stdout).toMatch(
      new RegExp(`^id  address +status +version  node\\nh1  127.0.0.1:${port} +critical +- +consul-under-test\\n$`),
    )

    const dead = await runCommand('zombies', 'by-hand', ...registry)
    expect(dead.stdout).toMatch(new RegExp(`by-hand +h1  127.0.0.1:${port} +critical`))
    expect(await listed('by-hand')).toHaveLength(1)
    const removed = await runCommand('zombies', '--remove', ...registry)
    expect(removed.stdout).toContain('removed 1\n')
    expect(await listed('by-hand')).toEqual([])
    expect((await runCommand('zombies', ...registry)).stdout).toMatch(/^all \d+ instances take connections\n$/)
  })

  it('deregisters one by its id, and says which there are when it is another', async () => {
    const port = String(consul.port)
    await runCommand('register', '--name', 'gone', '--port', port, '--id', 'g1', '--address', '127.0.0.1', ...registry)
    const wrong = await runCommand('deregister', '--name', 'gone', '--id', 'g2', ...registry)
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has no instance g2') as string })
    expect(wrong.stderr).toContain('it has g1')
    expect((await runCommand('deregister', '--name', 'gone', '--id', 'g1', ...registry)).exitCode).toBe(0)
    expect(await listed('gone')).toEqual([])
  })

  it('says where the registry is not', async () => {
    const [port = 0] = await freePorts(1)
    const { exitCode, stderr } = await runCommand('instances', 'x', '--registry', `consul://127.0.0.1:${port}`)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`Consul can't be reached at http://127.0.0.1:${port}/v1/health/service/x (ECONNREFUSED)`)
  })
})
