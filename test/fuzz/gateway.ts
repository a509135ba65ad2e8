import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { createConfigFile, startGatewayProcess } from '../support/gateway-process.ts'
import { takeMessage } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer, RecordingOrigin } from '../support/recording-origin.ts'
import { type Delivered, garbageStream, pieces, requestStream, responseStream } from './arbitraries.ts'
import { beforeHanging } from './before-hanging.ts'
import { forgetAll } from './forget-all.ts'
import { requestsByLlhttp } from './llhttp-oracle.ts'
import { same } from './same.ts'

/** One client: what it sends, and how it lets go. */
interface Visit {
  readonly stream: Delivered
  readonly ending: 'fin' | 'reset' | 'leave'
}

const visit: fc.Arbitrary<Visit> = fc.record({
  stream: fc.oneof(requestStream, garbageStream),
  ending: fc.constantFrom('fin', 'fin', 'reset', 'leave'),
})

export interface GatewayProperty {
  readonly property: fc.IAsyncProperty<[Visit[], Delivered]>
  close(): Promise<void>
}

/**
 * A gateway in a process of its own, both engines, in one thread so that a throw would end it. Whatever clients and endpoints
 * send: it lives and writes no error, answers or closes, serves the next client; the origin gets whole requests of llhttp's only.
 */
export async function gatewayProperty(): Promise<GatewayProperty> {
  let reply: readonly string[] = []
  const origin = await RecordingOrigin.start(({ target, connection }) => {
    if (target !== '/bad') return answer(target)
    for (const piece of reply) connection.socket.write(piece, 'latin1')
    connection.socket.end()
    return undefined
  })
  const file = await createConfigFile(configuration(origin.port))
  const gateway = startGatewayProcess(file.path)
  let exit: number | string | null = null
  const exited = gateway.exited().then((code) => (exit = code ?? 'a signal'))
  const { listeners } = await gateway.listening().catch(async (error: unknown) => {
    await gateway.kill()
    throw error
  })

  return {
    property: fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 6 }), responseStream, async (visits, bad) => {
      reply = pieces(bad)
      forgetAll(origin)
      for (const { port } of listeners) {
        await beforeHanging(Promise.all(visits.map(async (one) => pay(port, one))))
        expectFramed(await beforeHanging(ask(port, '/bad')))
        same('a clean request is answered', (await beforeHanging(ask(port, '/clean'))).endsWith('\r\n\r\n/clean'), true)
      }
      same('the gateway lives, and says nothing on stderr', [exit, gateway.stderr()], [null, ''])
      same('the origin sees no violation of framing', origin.violations, [])
      for (const { received, requests } of origin.connections) {
        // llhttp gives up at methods it does not know, where we take any token (RFC 9110 section 9.1).
        if (requests.some(({ method }) => !METHODS.includes(method)) || !startsKnown(received)) continue
        const { messages, error } = await requestsByLlhttp(received)
        same('llhttp takes what went upstream', error, null)
        same('llhttp counts the same requests', messages.filter(({ body }) => body !== null).length, requests.length)
      }
    }),
    async close() {
      await gateway.kill()
      await exited
      await file.remove()
      await origin.close()
    },
  }
}

/** False for a request under way whose method llhttp does not know. */
function startsKnown(received: string): boolean {
  return [...received.matchAll(/^([^ \r\n]+) [^\r\n]* HTTP\/1\.1\r$/gm)].every(([, method = '']) =>
    METHODS.includes(method),
  )
}

async function pay(port: number, { stream, ending }: Visit): Promise<void> {
  const client = await RawClient.connect(port)
  await client.sendPieces(pieces(stream))
  if (ending === 'fin') await client.end().rest()
  else if (ending === 'reset') client.reset()
  client.destroy()
}

/** @returns all that came until the gateway let go */
async function ask(port: number, target: string): Promise<string> {
  const client = await RawClient.connect(port)
  await client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`).rest()
  client.destroy()
  return client.received
}

/** Whole answers, and behind them one that is visibly not whole, or nothing. */
function expectFramed(received: string): void {
  for (let rest = received; rest !== '';) {
    const message = takeMessage(rest, { kind: 'response' })
    if (message === null) return
    rest = rest.slice(message.raw.length)
    if (!message.startLine.startsWith('HTTP/1.1 1')) same('nothing follows an answer', rest, '')
  }
}

function configuration(originPort: number): string {
  return JSON.stringify({
    listeners: [
      { name: 'fast', address: '127.0.0.1:0', engine: 'fast' },
      { name: 'standard', address: '127.0.0.1:0', engine: 'standard' },
    ],
    admin: { address: '127.0.0.1:0' },
    workers: 0,
    log: { access: false },
    stateDir: null,
    discovery: { local: { type: 'static', services: { web: [`127.0.0.1:${originPort}`] } } },
    services: { web: { outlier: { consecutiveFailures: 1_000_000 } } },
    routes: [{ path: '/', service: 'web' }],
  })
}
