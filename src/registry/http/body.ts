import type { IncomingMessage } from 'node:http'
import { ApiError } from '../api-error.ts'
import { decodeError } from '../fields.ts'

const maxBodyBytes = 1024 * 1024

/** The request's JSON. Clients need not say its type: Consul does not look at it. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBytes(request, maxBodyBytes)).toString()
  if (text.trim() === '') throw decodeError('EOF')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw decodeError(error instanceof Error ? error.message : String(error))
  }
}

/** The request's body; rejects with an `ApiError` 413 where it is larger. */
export async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Read to its end though not kept: who is still sending does not hear an answer.
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
  }
  if (bytes <= maxBytes) return Buffer.concat(chunks)
  throw new ApiError(413, `Request body(${bytes} bytes) too large, max size: ${maxBytes} bytes.`)
}
