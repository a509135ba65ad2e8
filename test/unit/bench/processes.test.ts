import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Processes } from '../../../bench/macro/processes.ts'
import { findFreePorts } from '../../../bench/macro/ports.ts'

describe('a process of the bench', () => {
  let directory = ''
  let processes: Processes
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-processes-'))
    processes = new Processes()
  })
  afterEach(async () => {
    await processes.stopAll()
    rmSync(directory, { recursive: true })
  })

  it('that ends before it listens is out with what it said, and not with the places of this run', async () => {
    const [port] = (await findFreePorts(1)) as [number]
    const script = `echo "$PWD/proxy.conf: no such option" >&2; exit 1`
    const running = processes.start({ cpus: '0-1023', command: '/bin/sh', args: ['-c', script], directory })
    await expect(running.listening(port)).rejects.toThrow('sh (proxy.conf: no such option): ended before it listened')
  })

  it('that still runs is stopped with all the others', async () => {
    const [port] = (await findFreePorts(1)) as [number]
    const script = `require('node:net').createServer().listen(${port}, '127.0.0.1')`
    const running = processes.start({ cpus: '0-1023', command: process.execPath, args: ['-e', script], directory })
    await running.listening(port)
    running.checkAlive()
    await processes.stopAll()
    expect(() => process.kill(running.pid, 0)).toThrow('ESRCH')
  })
})
