import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'

/** A message as Node's own parser, llhttp in its strict mode, reads it. Text is latin1. */
export interface OracleMessage {
  /** The method, or the status. */
  readonly start: string
  /** The target, or the reason phrase. */
  readonly rest: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Null while it is not complete. */
  readonly body: string | null
}

/** What llhttp makes of a connection. */
export interface OracleReading {
  /** In order; all but the last are complete. */
  readonly messages: readonly OracleMessage[]
  /** Its word for what it could not read, or null. Bytes that are missing at the end are no error. */
  readonly error: string | null
}

/** A connection on which bytes were received; what is written to it goes nowhere. */
class Received extends Duplex {
  override _read(): void {}

  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done()
  }
}

/** Gathers the body, which the parser pushes as it goes. */
function gather(message: IncomingMessage): () => OracleMessage {
  let body = ''
  message.setEncoding('latin1')
  message.on('data', (text: string) => (body += text))
  message.on('error', () => {})
  return () => ({
    start: message.method ?? String(message.statusCode),
    rest: message.url !== undefined && message.url !== '' ? message.url : (message.statusMessage ?? ''),
    fields: pairs(message.rawHeaders),
    body: message.complete ? body : null,
  })
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : []))
}

/** The requests that llhttp finds in `bytes`, and what stopped it. */
export async function requestsByLlhttp(bytes: string): Promise<OracleReading> {
  const found: (() => OracleMessage)[] = []
  let error: string | null = null
  const server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 65_536 })
  const take = (message: IncomingMessage): void => void found.push(gather(message))
  server.on('request', take)
  server.on('checkContinue', take)
  server.on('checkExpectation', take)
  server.on('clientError', ({ code }: NodeJS.ErrnoException) => (error ??= code ?? 'unknown'))
  const connection = new Received()
  connection.on('error', () => {})
  server.emit('connection', connection)
  connection.push(Buffer.from(bytes, 'latin1'))
  // The parser takes all of it in one go; bodies are handed on in the turns after.
  await turn()
  await turn()
  const messages = found.map((read) => read())
  connection.destroy()
  return { messages, error }
}

/** The response that llhttp reads from `bytes` and the end of the connection, or null when it refuses it. */
export async function responseByLlhttp(bytes: string, method: string): Promise<OracleMessage | null> {
  const connection = new Received()
  const request = httpRequest({ method, insecureHTTPParser: false, createConnection: () => connection })
  let read: (() => OracleMessage) | null = null
  request.on('response', (message) => (read = gather(message)))
  // Perhaps about what follows the response.
  request.on('error', () => {})
  // A switch of protocols is no response here: nobody asked for one.
  request.on('upgrade', () => connection.destroy())
  request.end()
  await once(request, 'finish')
  connection.push(Buffer.from(bytes, 'latin1'))
  connection.push(null)
  await once(connection, 'close')
  await turn()
  const message = (read as (() => OracleMessage) | null)?.() ?? null
  return message?.body === null ? null : message
}
