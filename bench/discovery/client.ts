import { HttpClient } from '../../test/support/http-client.ts'
import { serveTasks } from './side-process.ts'

export interface ClientTask {
  readonly port: number
  readonly path: string
  readonly rate: number
  readonly seconds: number
}

const connections = 8
const tickMs = 1

/** Sends GETs when they are due, however long answers take. @returns milliseconds from when each was due to its whole answer */
async function send({ port, path, rate, seconds }: ClientTask): Promise<Float64Array> {
  const client = new HttpClient(port, { connections })
  const tookMs: number[] = []
  const beganMs = performance.now()
  const under: Promise<void>[] = []
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const ticks = setInterval(() => {
    const nowMs = performance.now()
    for (; under.length < ((nowMs - beganMs) / 1000) * rate;) under.push(ask(beganMs + (under.length * 1000) / rate))
    if (nowMs >= beganMs + seconds * 1000) resolve()
  }, tickMs)
  const ask = async (dueMs: number) => {
    const { status } = await client.get(path)
    if (status !== 200) throw new Error(`${path} answered ${status}`)
    tookMs.push(performance.now() - dueMs)
  }
  await over
  clearInterval(ticks)
  await Promise.all(under)
  client.close()
  return Float64Array.from(tookMs)
}

serveTasks({ send })
