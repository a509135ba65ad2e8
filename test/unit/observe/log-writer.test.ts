import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openLogSink, type LogSink } from '../../../src/observe/log-sink.ts'
import { LogWriter } from '../../../src/observe/log-writer.ts'
import { openPipe, type Pipe } from './pipe.ts'

function lines(count: number, length = 100): string[] {
  return Array.from({ length: count }, (_, i) => `${String(i).padEnd(length - 1, '.')}\n`)
}

function readAfter(pipe: Pipe, ms: number): string {
  vi.advanceTimersByTime(ms)
  return pipe.read()
}

describe('LogWriter on a pipe', () => {
  let pipe: Pipe
  let sink: LogSink

  beforeEach(() => {
    pipe = openPipe()
    sink = openLogSink(pipe.writeEnd)
  })

  afterEach(() => {
    sink.close()
    pipe[Symbol.dispose]()
  })

  test('writes all lines in order', async () => {
    const writer = new LogWriter(sink)
    const written = lines(300)
    for (const line of written) writer.write(line)
    await writer.close()
    expect(pipe.read()).toBe(written.join(''))
  })

  test('writes once per turn, in chunks that a pipe keeps whole', async () => {
    const writer = new LogWriter(sink)
    for (const line of lines(50)) writer.write(line)
    expect(pipe.read()).toBe('')
    await turn()
    expect(pipe.read()).toBe(lines(50).join(''))
    expect(sink).toMatchObject({ chunkBytes: 4096, mayBlock: false })
  })

  test('gathers for 10 ms what comes soon after a write', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const writer = new LogWriter(sink)
    writer.write('first\n')
    expect(readAfter(pipe, 0)).toBe('first\n')
    writer.write('second\n')
    expect(readAfter(pipe, 4)).toBe('')
    writer.write('third\n')
    expect(readAfter(pipe, 5)).toBe('')
    expect(readAfter(pipe, 1)).toBe('second\nthird\n')
    vi.advanceTimersByTime(10)
    writer.write('fourth\n')
    expect(readAfter(pipe, 0)).toBe('fourth\n')
  })

  test('while it gathers, a chunk that is full goes by itself, without the line that did not fit', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const writer = new LogWriter(sink)
    writer.write('first\n')
    readAfter(pipe, 0)
    const written = lines(100)
    const perChunk = Math.floor(sink.chunkBytes / 100)
    for (const line of written) writer.write(line)
    expect(pipe.read()).toBe(written.slice(0, 2 * perChunk).join(''))
    expect(readAfter(pipe, 10)).toBe(written.slice(2 * perChunk).join(''))
  })

  test('goes on where it was when a reader that had stopped reads again', async () => {
    const writer = new LogWriter(sink)
    const written = lines(2000)
    for (const line of written) writer.write(line)
    await turn()
    let read = pipe.read()
    expect(read.length).toBeLessThan(written.length * 100)
    const closed = writer.close(20_000)
    while (read.length < written.length * 100) {
      read += pipe.read()
      await turn()
    }
    await closed
    expect(read).toBe(written.join(''))
    expect(writer.dropped).toBe(0)
  })

  test('drops and counts what does not fit its backlog while nobody reads', async () => {
    let told = 0
    const writer = new LogWriter(sink, { maxBacklogBytes: 1000, onDropped: () => told++ })
    for (const line of lines(25)) writer.write(line)
    expect(writer.dropped).toBe(15)
    expect(told).toBe(15)
    await writer.close()
    expect(pipe.read()).toBe(lines(10).join(''))
  })

  test('takes lines again once there is room', async () => {
    const writer = new LogWriter(sink, { maxBacklogBytes: 1000 })
    for (const line of lines(11)) writer.write(line)
    await turn()
    writer.write('again\n')
    await writer.close()
    expect(pipe.read().endsWith('again\n')).toBe(true)
  })

  test('drops and counts when the reader is gone', async () => {
    const writer = new LogWriter(sink)
    pipe.closeReader()
    for (const line of lines(100)) writer.write(line)
    await writer.close()
    expect(writer.dropped).toBe(100)
  })

  test('gives up what nobody reads when it is closed', async () => {
    const writer = new LogWriter(sink)
    for (const line of lines(2000)) writer.write(line)
    await writer.close(1)
    expect(writer.dropped).toBe(2000 - pipe.read().length / 100)
  })

  test('takes no line after it was closed, since the descriptor may be another by then', async () => {
    const writer = new LogWriter(sink)
    await writer.close()
    writer.write('late\n')
    await turn()
    expect(pipe.read()).toBe('')
    expect(writer.dropped).toBe(1)
  })

  test('writes without the event loop at the end of a process', () => {
    const writer = new LogWriter(sink)
    for (const line of lines(100)) writer.write(line)
    writer.flushSync()
    expect(pipe.read()).toBe(lines(100).join(''))
  })

  test('does not wait for ever at the end of a process', () => {
    const writer = new LogWriter(sink)
    for (const line of lines(2000)) writer.write(line)
    writer.flushSync(10)
    const read = pipe.read()
    expect(lines(2000).join('').startsWith(read)).toBe(true)
    expect(read.length).toBeLessThan(200_000)
  })
})

describe('LogWriter on a file', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-log-'))
  })

  afterEach(() => {
    rmSync(directory, { recursive: true })
  })

  test('writes all lines in order, those that come while it writes too', async () => {
    const path = join(directory, 'log')
    const fd = openSync(path, 'a')
    const sink = openLogSink(fd)
    expect(sink).toMatchObject({ fd, mayBlock: true })
    const writer = new LogWriter(sink)
    const written = lines(3000)
    for (const [i, line] of written.entries()) {
      writer.write(line)
      if (i % 500 === 0) await turn()
    }
    await writer.close()
    closeSync(fd)
    expect(readFileSync(path, 'latin1')).toBe(written.join(''))
  })

  test('drops and counts when the disk refuses', async () => {
    const fd = openSync('/dev/full', 'w')
    const full: LogSink = { fd, chunkBytes: 1000, mayBlock: true, close: () => closeSync(fd) }
    const writer = new LogWriter(full)
    for (const line of lines(25)) writer.write(line)
    await writer.close()
    full.close()
    expect(writer.dropped).toBe(25)
  })
})
