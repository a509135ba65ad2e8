import * as fc from 'fast-check'
import type { EngineName } from '../../src/core/snapshot.ts'
import { startEngine } from '../support/engine.ts'
import { RawClient, type RawResponse } from '../support/raw-client.ts'
import { RecordingOrigin } from '../support/recording-origin.ts'
import { type Kept, keptExchanges, pieces } from './arbitraries.ts'
import { beforeHanging } from './before-hanging.ts'
import { forgetAll } from './forget-all.ts'
import { type OracleMessage, responseByLlhttp } from './llhttp-oracle.ts'
import { same } from './same.ts'

export interface KeptProperty {
  readonly property: fc.IAsyncProperty<[Kept]>
  close(): Promise<void>
}

/** One after the other on kept connections: each answer is the one that its endpoint gave, as llhttp reads it. */
export async function keptProperty(engineName: EngineName): Promise<KeptProperty> {
  let reply: readonly string[] = []
  const origin = await RecordingOrigin.start(({ connection }) => {
    for (const piece of reply) connection.socket.write(piece, 'latin1')
  })
  const outlier = {
    consecutiveFailures: 1e9,
    baseEjectionMs: 1,
    maxEjectionMs: 1,
    maxEjectedPercent: 0,
    successRate: null,
  }
  const engine = await startEngine({ origins: [origin], listener: { engine: engineName }, service: { outlier } })
  return {
    property: fc.asyncProperty(keptExchanges, async ({ responses, order, cuts }) => {
      forgetAll(origin)
      const client = await RawClient.connect(engine.port)
      for (const { which, method } of order) {
        const text = responses[which % responses.length] as string
        const bytes = method === 'HEAD' ? text.slice(0, text.lastIndexOf('\r\n\r\n') + 4) : text
        const wanted = await wantedOf(bytes, method)
        if (wanted === null) continue
        reply = pieces({ bytes, cuts })
        client.send(`${method} / HTTP/1.1\r\nhost: a\r\n\r\n`)
        const answer = await beforeHanging(final(client, method === 'HEAD'))
        // Stricter than llhttp: the answer is cut, or it is ours.
        if (answer === null) break
        if (answer.fields.some(([name]) => name === 'x-tidegate-error')) continue
        const is = { start: String(answer.status), body: answer.body }
        same('the answer is this one', is, { start: wanted.start, body: wanted.body })
        const marks = answer.fields.filter(([name]) => name === 'x-which').map(([, value]) => value)
        const own = wanted.fields.filter(([name]) => name === 'x-which').map(([, value]) => value)
        same('the head is this one', marks, own)
      }
      client.destroy()
    }),
    async close() {
      await engine.close()
      await origin.close()
    },
  }
}

/** What llhttp reads; null for what has no end of its own, or ends otherwise for us. */
async function wantedOf(bytes: string, method: string): Promise<OracleMessage | null> {
  const read = await responseByLlhttp(bytes, method)
  return read === null || !hasEnd(read, method) ? null : read
}

function hasEnd({ start, fields }: OracleMessage, method: string): boolean {
  if (method === 'HEAD' || start === '204' || start === '304') return true
  return fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))
}

/** @returns null for one that is visibly not whole */
async function final(client: RawClient, bodyless: boolean): Promise<RawResponse | null> {
  try {
    for (;;) {
      const response = await client.response({ bodyless })
      if (response.status >= 200) return response
    }
  } catch (error) {
    if (client.ending === null) throw error
    return null
  }
}
