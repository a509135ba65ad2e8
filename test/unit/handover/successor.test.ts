import { expect, it } from 'vitest'
import { startSuccessor } from '../../../src/handover/successor.ts'

function start(program: string, deadlineMs = 60_000) {
  return startSuccessor({
    sockets: [],
    deadlineMs,
    objection: () => null,
    tickets: () => ({ secret: new Uint8Array(), remainingMs: 0 }),
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
  const successor = startSuccessor({
    sockets: [],
    deadlineMs: 60_000,
    objection: () => null,
    tickets: () => ({ secret: new Uint8Array(), remainingMs: 0 }),
    command: { execPath: '/nonexistent/node', args: [] },
  })
  await expect(successor.serving).rejects.toThrow(/^it could not be started: .*ENOENT/)
})

it('serves when it says so', async () => {
  const program = `
    process.send({ type: 'prepared', missing: [] })
    process.on('message', ({ type }) => { process.send({ type: type === 'take-over' ? 'serving' : type }); process.disconnect() })
  `
  await expect(start(program).serving).resolves.toBeUndefined()
})
