import { RawClient } from './raw-client.ts'

/** A client that asks again and again, one request at a time, while others do something to the gateway. */
export interface Probe {
  /** Resolves after the request under way. @returns statuses of all answers, in order */
  stop(): Promise<number[]>
}

/** @param target served by the origin with 200 */
export async function startProbe(port: number, target = '/probe'): Promise<Probe> {
  const client = await RawClient.connect(port)
  const statuses: number[] = []
  const state = { isStopped: false }
  const asking = (async () => {
    while (!state.isStopped) {
      statuses.push((await client.send(`GET ${target} HTTP/1.1\r\nhost: probe\r\n\r\n`).response()).status)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  })()
  // Whoever stops it hears of a lost connection; until then nobody waits for it.
  asking.catch(() => {})
  return {
    async stop() {
      state.isStopped = true
      await asking
      client.destroy()
      return statuses
    },
  }
}
