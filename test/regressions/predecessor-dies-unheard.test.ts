import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const predecessor = new URL('../../src/handover/predecessor.ts', import.meta.url).href

/** Starts, and has not a moment to hear that its parent is gone, before it says that it could serve. */
const successor = `
  const { Predecessor } = await import(${JSON.stringify(predecessor)})
  const parent = process.ppid
  const talk = new Predecessor(parent, process)
  process.send('up')
  const cell = new Int32Array(new SharedArrayBuffer(4))
  while (process.ppid === parent) Atomics.wait(cell, 0, 0, 1)
  console.log('bequest:', await talk.permission({ missing: [], empty: [] }))
  talk.serving()
  talk.leave()
`

const gateway = `
  const { spawn } = require('node:child_process')
  const child = spawn(process.execPath, ['--input-type=module', '-e', process.argv[1]], { stdio: ['ignore', 1, 2, 'ipc'] })
  child.on('message', () => process.kill(process.pid, 'SIGKILL'))
`

/**
 * Writing to a channel whose other end is gone is an error of the process where nobody asked for it: the successor ended, too, and
 * nobody was left that served.
 */
test('a successor that speaks to a predecessor which died a moment ago takes over', async () => {
  const parent = spawn(process.execPath, ['-e', gateway, '--', successor], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [said, errors] = await Promise.all([text(parent.stdout), text(parent.stderr)])

  expect({ said, errors }).toEqual({ said: 'bequest: null\n', errors: '' })
})
