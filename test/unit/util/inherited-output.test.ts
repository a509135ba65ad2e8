import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const successor = new URL('../../../src/handover/successor.ts', import.meta.url).href
const duplicate = new URL('../../../src/workers/duplicate-sockets.ts', import.meta.url).href

/** Says after each step whether its stdout is blocking: the octal flags that Linux shows (proc(5), fdinfo). */
const program = `
  import { spawnSync } from 'node:child_process'
  import { readFileSync } from 'node:fs'
  import { createServer } from 'node:net'
  import { Successor } from '${successor}'
  import { duplicateSockets } from '${duplicate}'
  const isBlocking = () => (parseInt(/flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/1', 'latin1'))[1], 8) & 0o4000) === 0
  void process.stdout
  const states = [isBlocking()]
  spawnSync('/bin/true', { stdio: 'inherit' })
  states.push(isBlocking())
  const command = { execPath: '/bin/true', args: [] }
  const options = { sockets: [], deadlineMs: 60000, objection: () => null, onStep() {}, command }
  await new Successor(options).serving.catch(() => {})
  states.push(isBlocking())
  spawnSync('/bin/true', { stdio: 'inherit' })
  const server = createServer().listen(0, () => duplicateSockets([server._handle.fd], 1).then(() => {
    states.push(isBlocking())
    process.send(states, () => process.exit())
  }))
`

it('a log socket stays non-blocking when a child inherits it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-'))
  onTestFinished(async () => rm(directory, { recursive: true, force: true }))
  const server = createServer().listen(join(directory, 'log.sock'))
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const log = connect(join(directory, 'log.sock'))
  onTestFinished(() => void log.destroy())
  await once(log, 'connect')
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', log, log, 'ipc'] })
  const [states] = await once(child, 'message')
  // The second is what Node does by itself.
  expect(states).toEqual([false, true, false, false])
})
