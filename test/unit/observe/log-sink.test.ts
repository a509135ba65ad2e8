import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openLogSink } from '../../../src/observe/log-sink.ts'
import { openPipe } from './pipe.ts'

const writeLines = fileURLToPath(new URL('./write-lines.ts', import.meta.url))

describe('openLogSink', () => {
  test('opens a pipe apart, so that the given descriptor keeps its flags and stays open', () => {
    using pipe = openPipe()
    const sink = openLogSink(pipe.writeEnd)
    expect(sink.fd).not.toBe(pipe.writeEnd)
    sink.close()
    const again = openLogSink(pipe.writeEnd)
    expect(again.mayBlock).toBe(false)
    again.close()
  })

  // A child's stdout is a socket when Node is its parent.
  test('does not block on a stdout that is a socket, and loses nothing while its reader reads', async () => {
    const child = spawn(process.execPath, [writeLines, '5000'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(out.split('\n')).toHaveLength(5001)
    expect(JSON.parse(err)).toEqual({ mayBlock: false, dropped: 0 })
  })

  test('ends although nobody reads its stdout', async () => {
    const child = spawn(process.execPath, [writeLines, '9000'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    child.stdout.destroy()
    expect(code).toBe(0)
    expect(JSON.parse(err).dropped).toBeGreaterThan(0)
  })
})
