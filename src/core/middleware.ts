import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * A Connect-style middleware. It reads the request and then either answers, or sets response fields and calls `next`; with an
 * error, the gateway answers 500. What it changes of the request is not forwarded, and the request body is not its to read.
 */
export type ConnectMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void
