import { open } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { HandedSocket } from '../../../src/core/listen-socket.ts'
import { Successor } from '../../../src/handover/successor.ts'

function start(program: string, deadlineMs = 60_000, sockets: readonly HandedSocket[] = []) {
  return new Successor({
    sockets,
    deadlineMs,
    objection: () => null,
    bequest: () => ({ tickets: { secret: new Uint8Array(), remainingMs: 0 }, orders: [] }),
    onStep: () => {},
    command: { execPath: process.execPath, args: ['-e', program] },
  })
}

it('is given up at the deadline when it never is ready, and told why', async () => {
  const successor = start("process.on('message', () => process.exit()); setInterval(() => {}, 1000)", 300)
  await expect(successor.serving).rejects.toThrow('it was not ready within 300 ms')
})

it('that ends by itself is no successor', async () => {
  await expect(start('process.exit(3)').serving).rejects.toThrow('it ended with code 3 before it served')
})

it('that can not be started is none either', async () => {
  const successor = new Successor({
    sockets: [],
    deadlineMs: 60_000,
    objection: () => null,
    bequest: () => ({ tickets: { secret: new Uint8Array(), remainingMs: 0 }, orders: [] }),
    onStep: () => {},
    command: { execPath: '/nonexistent/node', args: [] },
  })
  await expect(successor.serving).rejects.toThrow(/^it could not be started: .*ENOENT/)
})

it('serves when it says so', async () => {
  const program = `
    process.send({ type: 'prepared', missing: [], empty: [] })
    process.on('message', ({ type }) => { process.send({ type: type === 'take-over' ? 'serving' : type }); process.disconnect() })
  `
  await expect(start(program).serving).resolves.toBeUndefined()
})

it('is told of all sockets, however many there are', async () => {
  const inheritance = new URL('../../../src/handover/inheritance.ts', import.meta.url)
  const program = `
    import { fstatSync } from 'node:fs'
    import { takeInheritance } from '${inheritance.href}'
    const { handed } = takeInheritance()
    const isOpen = ({ fd, listener }) => listener === 'Kante "ß" 🌊' && fstatSync(fd).isFile()
    if (handed.length !== 4000 || !handed.every(isOpen)) process.exit(3)
    process.on('message', () => { process.send({ type: 'serving' }); process.disconnect() })
    process.send({ type: 'prepared', missing: [], empty: [] })
  `
  const file = await open(import.meta.filename)
  const socket = { host: '127.0.0.1', port: 65_000, configuredPort: 0, listener: 'Kante "ß" 🌊' }
  const kind = { isAdmin: false, reusePort: true, isLent: false }
  const sockets = Array.from({ length: 4000 }, () => ({ ...socket, ...kind, fd: file.fd }))
  const successor = start(program, 60_000, sockets)
  await file.close()
  await expect(successor.serving).resolves.toBeUndefined()
})

it('that was told to take over is never killed: not at its deadline, and a shutdown asks it to drain', async () => {
  const program = `
    process.send({ type: 'prepared', missing: [], empty: [] })
    process.on('message', () => {})
    process.on('SIGTERM', () => { process.send({ type: 'serving' }); process.disconnect() })
  `
  const successor = start(program, 5000)
  while (successor.state === 'preparing') await new Promise((resolve) => setImmediate(resolve))
  expect(successor.state).toBe('granted')
  // What would have ended it before.
  await successor.dismiss('a data thread was lost')
  expect(successor.state).toBe('granted')
  await successor.shutDown('this process shuts down')
  await successor.serving
  expect(successor.state).toBe('serving')
})

it('that is dismissed while it prepares is waited for', async () => {
  const successor = start("process.on('message', () => process.exit()); setInterval(() => {}, 1000)")
  await Promise.all([
    expect(successor.serving).rejects.toThrow('a data thread was lost'),
    successor.dismiss('a data thread was lost'),
  ])
  expect(successor.state).toBe('ended')
  expect(() => process.kill(successor.pid, 0)).toThrow('ESRCH')
})
