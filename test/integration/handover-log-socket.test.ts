import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createConfigFile } from '../support/gateway-process.ts'
import { LogLines } from '../support/log-lines.ts'

const cli = new URL('../../src/cli.ts', import.meta.url).pathname
/** Octal, as /proc shows it. */
const nonBlocking = 0o4000

async function isNonBlocking(pid: unknown): Promise<boolean> {
  const flags = /^flags:\s*([0-7]+)/m.exec(await readFile(`/proc/${String(pid)}/fdinfo/1`, 'latin1'))
  return (Number.parseInt(flags?.[1] ?? '0', 8) & nonBlocking) !== 0
}

it('a handover that fails, then one that does not, leave a log socket non-blocking', async () => {
  const files = await createConfigFile('')
  onTestFinished(async () => files.remove())
  const config = JSON.stringify({
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 1,
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { only: ['127.0.0.1:9'] } } },
    routes: [{ path: '/', service: 'only' }],
  })
  await writeFile(files.path, config)
  const log = new LogLines()
  const journal = createServer((socket) => {
    socket.setEncoding('latin1').on('data', (text: string) => log.append(text.replace(/^tidegate:.*\n/gm, '')))
  }).listen(`${files.path}.sock`)
  onTestFinished(() => void journal.close())
  await once(journal, 'listening')
  const output: Socket = connect(`${files.path}.sock`)
  await once(output, 'connect')
  const gateway = spawn(process.execPath, [cli, 'start', '-c', files.path], { stdio: ['ignore', output, output] })
  const exit = once(gateway, 'exit')
  onTestFinished(() => void gateway.kill('SIGKILL'))
  output.destroy()
  await log.line('listening')
  expect(await isNonBlocking(gateway.pid)).toBe(true)

  await writeFile(files.path, 'routes: [')
  gateway.kill('SIGUSR2')
  await log.line('handover-failed')
  expect(await isNonBlocking(gateway.pid)).toBe(true)

  await writeFile(files.path, config)
  gateway.kill('SIGUSR2')
  const successor = await log.until('a successor', () => log.lines.filter(({ msg }) => msg === 'listening')[1])
  onTestFinished(() => void process.kill(Number(successor['pid']), 'SIGKILL'))
  // Its end makes the socket blocking; what the successor does about it takes a moment.
  await exit
  while (!(await isNonBlocking(successor['pid']))) await new Promise((resolve) => setImmediate(resolve))
})
