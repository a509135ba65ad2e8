import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isLoopbackAddress } from './access.ts'
import type { AdminInput } from './admin-input.ts'
import { problem, type Answer } from './answer.ts'
import { answerRequest, type AdminPolicy } from './answer-request.ts'

export interface AdminSettings {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** Null: none is needed, which is for loopback only. */
  readonly token: string | null
  /** Opens `/metrics` to those without the token. */
  readonly publicMetrics: boolean
}

export interface AdminServer {
  /** Its listening socket. */
  readonly fd: number
  /** What it listens on. */
  readonly host: string
  readonly port: number
  /** Stops listening; answers under way have a second to end. */
  close(): Promise<void>
}

/** The admin listener can't be opened. `code` is the system's (`EADDRINUSE` …), or `TOKEN_REQUIRED`. */
export class AdminListenError extends Error {
  override readonly name = 'AdminListenError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A client that does not send, or does not read, in that time is cut off. */
const maxExchangeMs = 30_000
const closeGraceMs = 1000

/**
 * Opens the admin listener.
 *
 * @param onError called with what a resource threw; its caller saw a 500 without the reason
 * @param inheritedFd a socket that listens already, instead of one at `settings.host`
 * @throws AdminListenError
 */
export async function startAdmin(
  settings: AdminSettings,
  input: AdminInput,
  onError: (error: unknown) => void,
  inheritedFd: number | null = null,
): Promise<AdminServer> {
  const server = createServer({
    headersTimeout: 5000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 16_384,
  })
  server.maxConnections = 128
  const { host, port } = await bind(server, settings, inheritedFd)
  const onLoopback = isLoopbackAddress(host)
  if (!onLoopback && settings.token === null) {
    server.close()
    const message = `admin: ${host} is not a loopback address, so a token is needed; set admin.token or another admin.address`
    throw new AdminListenError('TOKEN_REQUIRED', message)
  }
  const policy = { ...settings, onLoopback }
  server.on('request', (request, response) => void serve(request, response, { policy, input, onError }))
  server.on('error', onError)
  // Node says it nowhere else.
  const { fd } = (server as Server & { readonly _handle: { readonly fd: number } })._handle
  return { fd, host, port, close: () => close(server) }
}

async function bind(
  server: Server,
  { host, port }: AdminSettings,
  inheritedFd: number | null,
): Promise<{ host: string; port: number }> {
  server.listen(inheritedFd === null ? { port, host } : { fd: inheritedFd })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'UNKNOWN'
    const message = `admin: can't listen on ${host}:${port} (${code}); set another admin.address, or end what listens there`
    throw new AdminListenError(code, message, { cause })
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP listener has an address and port')
  return { host: address.address, port: address.port }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { policy, input, onError }: { policy: AdminPolicy; input: AdminInput; onError: (error: unknown) => void },
): Promise<void> {
  const deadline = setTimeout(() => request.socket.destroy(), maxExchangeMs)
  response.once('close', () => clearTimeout(deadline))
  let answer: Answer
  try {
    answer = await answerRequest(request, policy, input)
  } catch (error) {
    // A client that goes away while its body is read is no error of ours.
    if (request.socket.destroyed) return
    onError(error)
    answer = problem(500, 'The gateway failed to answer this; its log says why')
  }
  // A body that nobody read to its end would be taken for the next request.
  const connection = request.complete ? {} : { connection: 'close' }
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...connection,
    ...answer.headers,
  })
  response.end(answer.body)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const deadline = setTimeout(() => server.closeAllConnections(), closeGraceMs)
  await closed
  clearTimeout(deadline)
}
