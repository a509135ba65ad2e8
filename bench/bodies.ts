/**
 * Large bodies through the gateway, which runs as a process of its own: whether they arrive byte for byte, and how much
 * memory it takes meanwhile. `node bench/bodies.ts [MiB per body, default 1024]`
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Body, digest } from '../test/support/bodies.ts'
import { freePorts } from '../test/support/free-ports.ts'
import { parsePeakBytes, resetPeak } from './macro/procfs.ts'

const MiB = 1024 * 1024
const size = Number(process.argv[2] ?? 1024) * MiB
/** A slow side takes so much every 10 ms: about 100 MiB/s. */
const slowBytes = MiB

interface Received {
  readonly size: number
  readonly hash: string
}

const body = new Body(size)

function framingFields(path: string): Record<string, string> {
  return path.includes('chunked') ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(size) }
}

/** Lets bytes through at the rate of a slow side. */
function slowly(): Transform {
  let left = slowBytes
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      left -= bytes.length
      if (left > 0) return done(null, bytes)
      left = slowBytes
      setTimeout(() => done(null, bytes), 10)
      return undefined
    },
  })
}

/** Reads a message to its end, at the pace its path asks for. */
async function receive(message: IncomingMessage, path: string): Promise<Received> {
  if (!path.includes('slow')) return digest(message)
  const paced = slowly()
  const [received] = await Promise.all([digest(paced), pipeline(message, paced)])
  return received
}

const origin = createServer((incoming, response) => {
  const path = incoming.url ?? ''
  if (path.startsWith('/upload')) {
    void receive(incoming, path).then((received) => response.end(JSON.stringify(received)))
    return
  }
  response.writeHead(200, framingFields(path))
  body.stream().pipe(response)
})

async function upload(port: number, path: string): Promise<Received> {
  const outgoing = request({ host: '127.0.0.1', port, path, method: 'POST', headers: framingFields(path) })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  await pipeline(body.stream(), outgoing)
  const [response] = await answered
  return (await json(response)) as Received
}

async function download(port: number, path: string): Promise<Received> {
  const outgoing = request({ host: '127.0.0.1', port, path }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return receive(response, path)
}

/** Starts the gateway from its sources, with one data thread. */
async function startGateway(directory: string, port: number): Promise<ChildProcess> {
  const file = join(directory, 'tidegate.yaml')
  const { port: originPort } = origin.address() as AddressInfo
  writeFileSync(
    file,
    `listeners: [{ name: edge, address: "127.0.0.1:${port}" }]
admin: { address: "127.0.0.1:0" }
workers: 1
log: { level: warn, access: false }
stateDir: null
discovery: { local: { type: static, services: { web: ["127.0.0.1:${originPort}"] } } }
routes: [{ path: /, service: web }]
`,
  )
  const gateway = spawn(process.execPath, [join(import.meta.dirname, '../src/cli.ts'), 'start', '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (;;) {
    const isReady = await fetch(`http://127.0.0.1:${port}/upload`, { method: 'POST' }).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return gateway
    if (gateway.exitCode !== null) throw new Error(`the gateway ended with ${gateway.exitCode}`)
    await delay(50)
  }
}

function peakMiB(pid: number): string {
  return (parsePeakBytes(readFileSync(`/proc/${pid}/status`, 'latin1')) / MiB).toFixed(0)
}

const paths = [
  '/upload/length',
  '/upload/chunked',
  '/download/length',
  '/download/chunked',
  '/upload/length/slow',
  '/download/length/slow',
  '/download/chunked/slow',
]

origin.listen(0, '127.0.0.1')
await once(origin, 'listening')
const directory = mkdtempSync(join(tmpdir(), 'tidegate-bodies-'))
const [port] = (await freePorts(1)) as [number]
const gateway = await startGateway(directory, port)
const pid = gateway.pid as number
const wanted = body.hash()
let isEqual = true
try {
  console.log(`resident before: ${peakMiB(pid)} MiB`)
  for (const path of paths) {
    resetPeak(pid)
    const started = performance.now()
    const received = await (path.startsWith('/upload') ? upload(port, path) : download(port, path))
    const seconds = (performance.now() - started) / 1000
    const isWhole = received.size === size && received.hash === wanted
    isEqual &&= isWhole
    const outcome = isWhole ? 'equal' : 'DIFFERENT'
    console.log(
      `${path.padEnd(24)} ${received.size} bytes, hash ${outcome}, ${seconds.toFixed(1)} s, peak ${peakMiB(pid)} MiB`,
    )
  }
} finally {
  const exited = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  await exited
  origin.closeAllConnections()
  origin.close()
  rmSync(directory, { recursive: true })
}
process.exitCode = isEqual ? 0 : 1
