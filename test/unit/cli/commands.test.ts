import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CommandProcess, runCommand } from '../../support/cli.ts'
import { consulApi } from '../../support/consul-api.ts'
import { freePorts } from '../../support/free-ports.ts'

async function serve(answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('the command line', () => {
  it('shows its commands to whoever asks in the usual ways', async () => {
    const asked = await Promise.all([runCommand('help'), runCommand('--help'), runCommand('-h'), runCommand()])
    for (const { exitCode, stdout, stderr } of asked) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout).toContain('tidegate start -c FILE')
    }
    expect((await runCommand('--version')).stdout).toMatch(/^tidegate \d+\.\d+\.\d+ \(Node \d+/)
  })

  it('exits 2 over a command line that it does not understand', async () => {
    expect(await runCommand('strat')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'tidegate: unknown command "strat"\nTry: tidegate help\n',
    })
    expect(await runCommand('start')).toMatchObject({ exitCode: 2 })
    expect(await runCommand('constructor')).toMatchObject({ exitCode: 2 })
  })

  it('says in one line that the port for the registry is taken', async () => {
    const port = await serve(() => {})
    const { exitCode, stderr } = await runCommand('registry', '--port', String(port))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^tidegate: The registry cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE.*\n$/)
  })

  it('has a registry that takes faults where it is asked to', async () => {
    const [port = 0] = await freePorts(1)
    const command = new CommandProcess('registry', '--port', String(port), '--faults')
    onTestFinished(() => void command.child.kill('SIGKILL'))
    const address = `http://127.0.0.1:${port}`
    await command.says(`It takes faults: PUT, GET and DELETE ${address}/v1/tidegate/faults`)
    const api = consulApi(address)
    await api('PUT', '/v1/tidegate/faults', { leaderless: true })
    expect((await api('GET', '/v1/catalog/services')).text).toBe('No cluster leader')
    command.child.kill('SIGTERM')
    expect(await command.ended()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('says in one line that it is no gateway which answers', async () => {
    const port = await serve((_request, response) => response.end('<html></html>'))
    const address = `http://127.0.0.1:${port}`
    expect(await runCommand('routes', '--admin', address)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `tidegate: what answers at ${address} is no gateway's admin API; name that with --admin\n`,
    })
  })

  it('passes on why the admin API refuses', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"title":"A token is needed"}')
    })
    const { exitCode, stderr } = await runCommand('routes', '--admin', `http://127.0.0.1:${port}`)
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'tidegate: A token is needed\n' })
  })
})
