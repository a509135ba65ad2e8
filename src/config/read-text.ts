import { createReadStream } from 'node:fs'
import { readFailure } from './read-failure.ts'

/** Why, in words that follow the file's name. */
export class UnreadableText extends Error {}

/** @throws UnreadableText */
export async function readText(file: string, maxMiB: number): Promise<string> {
  const maxBytes = maxMiB * 1024 ** 2
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    // One byte more than allowed, whatever the file claims to be: it may grow, or be no regular file.
    for await (const chunk of createReadStream(file, { end: maxBytes }) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
    }
    if (bytes > maxBytes) throw new UnreadableText(`is larger than ${maxMiB} MiB`)
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof UnreadableText) throw error
    throw new UnreadableText(`can't be read: ${readFailure(error)}`, { cause: error })
  }
}
