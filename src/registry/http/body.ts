import type { IncomingMessage } from 'node:http'
import { ApiError } from '../api-error.ts'
import { decodeError } from '../fields.ts'

const maxBodyBytes = 1024 * 1024

/** The request's JSON. Clients need not say its type: Consul does not look at it. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Read to its end though not kept: who is still sending does not hear an answer.
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= maxBodyBytes) chunks.push(chunk)
  }
  if (bytes > maxBodyBytes) throw new ApiError(413, `Request body is larger than ${maxBodyBytes} bytes`)
  const text = Buffer.concat(chunks).toString()
  if (text.trim() === '') throw decodeError('EOF')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw decodeError(error instanceof Error ? error.message : String(error))
  }
}
