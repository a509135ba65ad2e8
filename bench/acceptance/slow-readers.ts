import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setInterval as every } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Body } from '../../test/support/bodies.ts'
import { checkoutOf, tidegate } from '../macro/competitors/tidegate.ts'
import { planCpus, readAllowedCpus } from '../macro/cpus.ts'
import { findFreePorts } from '../macro/ports.ts'
import { Processes } from '../macro/processes.ts'
import { resetPeak, usageOf } from '../macro/procfs.ts'
import { table } from '../markdown-table.ts'
import { collectedMemory, observedFlags } from './observed-memory.ts'
import { allowConnections } from './open-files.ts'
import { SlowReader } from './slow-reader.ts'

/**
 * Many clients that read large bodies slowly: the gateway may keep only so much of what they do not take, and no more as time passes.
 * At the end some of them read the rest, and have to have got it byte for byte.
 *
 * node bench/acceptance/slow-readers.ts [--readers 1000] [--mib 64] [--seconds 60] [--checkout DIR, default this one]
 */
const bytesPerSecond = 64 * 1024
/** A reader takes its share so many times a second. */
const turnsPerSecond = 2
/** So many connect at a time: connections beyond the accept queue would not be slow but lost. */
const batch = 50
/** Readers whose bodies are looked at. */
const sampleCount = 10
/** What the gateway may take more than before: a read buffer for each, and some for pools and the collector. */
const boundBytes = (readers: number) => readers * 64 * 1024 + 32 * 1024 ** 2
/** The last third may reach so much more than the middle one. */
const flatness = 1.05

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '1000' },
    mib: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '60' },
    checkout: { type: 'string' },
  },
})
const count = Number(values.readers)
const seconds = Number(values.seconds)
const body = new Body(Number(values.mib) * 1024 ** 2)

allowConnections(count * 2)
const origin = createServer((_, response) => {
  response.writeHead(200, { 'content-length': body.size })
  body.stream().pipe(response)
}).listen(0, '127.0.0.1', 1024)
await once(origin, 'listening')
const directory = mkdtempSync(join(tmpdir(), 'tidegate-slow-'))
const processes = new Processes()
const readers: SlowReader[] = []
try {
  const [port] = (await findFreePorts(1)) as [number]
  const gateway = tidegate({ nodeFlags: observedFlags, ...checkoutOf(values.checkout) })
  const { proxy } = planCpus(readAllowedCpus())
  const running = gateway.start(
    {
      port,
      prefixes: [''],
      origins: [`127.0.0.1:${(origin.address() as AddressInfo).port}`],
      threads: 1,
      connections: count,
      idleSeconds: 75,
      tls: null,
      accessLog: true,
      directory,
    },
    (command, args) => processes.start({ cpus: proxy, command, args, directory }),
  )
  await running.listening(port)
  const before = await collectedMemory(running.pid, directory)
  resetPeak(running.pid)

  while (readers.length < count) {
    const begun = Array.from(
      { length: Math.min(batch, count - readers.length) },
      (_, i) => new SlowReader(port, '/', { hashes: readers.length + i < sampleCount }),
    )
    readers.push(...begun)
    for (const reader of begun) reader.allow(1)
    await Promise.all(begun.map(async (reader) => reader.begun()))
  }
  const samples: number[] = []
  let turn = 0
  for await (const _ of every(1000 / turnsPerSecond)) {
    for (const reader of readers) reader.allow(bytesPerSecond / turnsPerSecond)
    if (++turn % turnsPerSecond === 0) samples.push(usageOf(running.pid, 1).residentBytes)
    if (samples.length === seconds) break
  }
  const trickled = readers.map(({ bodyBytes }) => bodyBytes)
  const { peakBytes } = usageOf(running.pid, 1)
  const held = await collectedMemory(running.pid, directory)
  const problems = readers.flatMap(({ problem }) => problem ?? [])
  const wanted = body.hash()
  const hashes = await Promise.all(readers.slice(0, sampleCount).map(async (reader) => reader.rest()))
  const equal = hashes.filter((hash) => hash === wanted).length
  const third = Math.ceil(samples.length / 3)
  const [middle, last] = [Math.max(...samples.slice(third, -third)), Math.max(...samples.slice(-third))]

  console.log(`${count} readers of ${values.mib} MiB each, ${bytesPerSecond / 1024} KiB/s, ${seconds} s`)
  console.log(
    table(
      ['figure', 'value'],
      [
        ['resident before, MiB', mib(before.resident)],
        ['resident peak, MiB', mib(peakBytes)],
        ['more per reader, KiB', perReader(peakBytes - before.resident)],
        ['of it in the heap, garbage aside, KiB', perReader(held.heap - before.heap)],
        ['of it in buffers, garbage aside, KiB', perReader(held.external - before.external)],
        ['highest in the middle third, MiB', mib(middle)],
        ['highest in the last third, MiB', mib(last)],
        ['read by the slowest reader, KiB', (Math.min(...trickled) / 1024).toFixed(0)],
        ['read by all, MiB', mib(trickled.reduce((sum, bytes) => sum + bytes, 0))],
        ['bodies looked at', String(hashes.length)],
        ['equal, byte for byte', String(equal)],
        ['readers cut off', String(problems.length)],
      ],
    ),
  )
  if (problems.length > 0) console.log(`the first: ${problems[0]}`)
  const cuts = loggedFailures(directory)
  if (cuts.length > 0) console.log(`the gateway gave up ${cuts.length} times: ${[...new Set(cuts)].join(', ')}`)
  const missed = [
    ...(peakBytes - before.resident > boundBytes(count)
      ? [`a peak of at most ${mib(boundBytes(count))} MiB more`]
      : []),
    ...(last > middle * flatness ? ['no growth after the first third'] : []),
    ...(equal < hashes.length ? ['equal bodies'] : []),
    ...(problems.length > 0 || Math.min(...trickled) === 0 ? ['every reader gets on'] : []),
  ]
  for (const what of missed) console.log(`missed: ${what}`)
  process.exitCode = missed.length === 0 ? 0 : 1
} finally {
  for (const reader of readers) reader.close()
  await processes.stopAll()
  origin.closeAllConnections()
  origin.close()
  rmSync(directory, { recursive: true, force: true })
}

/** What the gateway's access log says went wrong, clients that went away aside. */
function loggedFailures(place: string): string[] {
  const lines = readFileSync(join(place, 'stdout'), 'utf8').split('\n').slice(0, -1)
  const logged = lines.flatMap((line) => (JSON.parse(line) as { readonly failure?: string | null }).failure ?? [])
  return logged.filter((failure) => failure !== 'client-abort')
}

function perReader(bytes: number): string {
  return (bytes / count / 1024).toFixed(1)
}

function mib(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0)
}
