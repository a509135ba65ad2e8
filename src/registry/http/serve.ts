import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { CutFault } from '../faults/fault.ts'
import { answerTo, type ServeOptions, type Written, writtenError } from './answer.ts'
import { readBytes, readJson } from './body.ts'
import { refuseBrowsers } from './guard.ts'
import { serveQueryLines } from './query-lines.ts'
import type { ApiListeners } from './server.ts'

// Once: an abort without a reason makes an error with a stack each time.
const clientIsGone = new Error('the client is gone')

/** Answers Consul's HTTP API from a table of operations. Whatever goes wrong becomes an answer; nothing is thrown. */
export function serve(options: ServeOptions): ApiListeners {
  return {
    onRequest: (request, response) => answerRequest(request, response, options),
    onQueryLines: (stream) => serveQueryLines(stream, options),
    admits: (request) => refusal(request, options) === null,
  }
}

function answerRequest(request: IncomingMessage, response: ServerResponse, options: ServeOptions): void {
  // A client that breaks off says so here as well as by `close`, and unheard it would end the process.
  request.on('error', () => {})
  response.on('error', () => {})
  const gone = new AbortController()
  response.once('close', () => gone.abort(clientIsGone))
  const refused = refusal(request, options)
  if (refused !== null) return send(response, refused, undefined)
  const asked = {
    method: request.method,
    url: request.url ?? '/',
    signal: gone.signal,
    body: async () => readJson(request),
    bytes: async (maxBytes: number) => readBytes(request, maxBytes),
  }
  void answerTo(asked, options, (answer, cut) => send(response, answer, cut))
}

function refusal(request: IncomingMessage, { isOnLoopback }: ServeOptions): Written | null {
  try {
    refuseBrowsers(request, isOnLoopback)
    return null
  } catch (error) {
    return writtenError(error)
  }
}

/** Cut, the second half of the body is announced and never sent. */
function send(response: ServerResponse, { status, headers, body }: Written, cut: CutFault['cut'] | undefined): void {
  if (cut === 'head') return cutOff(response)
  response.writeHead(status, { ...headers, 'content-length': body.length })
  if (cut === 'body') response.write(body.subarray(0, body.length / 2), () => cutOff(response))
  else response.end(body)
}

/** Breaks the connection or, over HTTP/2, which many requests share, the stream. */
function cutOff(response: ServerResponse): void {
  const { stream } = response as ServerResponse & { readonly stream?: ServerHttp2Stream }
  if (stream === undefined) response.destroy()
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}
