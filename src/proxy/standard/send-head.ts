import type { ServerResponse } from 'node:http'

/**
 * Sends the head of a response that will have a body, ahead of it. `flushHeaders` of node:http writes it as UTF-8: two bytes for
 * each one above 0x7f.
 */
export function sendHead(response: ServerResponse): void {
  response.write('', 'latin1')
}
