import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Length of the random block that a body repeats: a prime, so that no buffer size lines up with it. */
const blockBytes = 65_521

/** A body of any size: random, different from every other one, made as it is read. */
export class Body {
  readonly size: number
  readonly #block = randomBytes(blockBytes)

  constructor(size: number) {
    this.size = size
  }

  *slices(): Generator<Buffer> {
    for (let at = 0; at < this.size; at += blockBytes)
      yield this.#block.subarray(0, Math.min(blockBytes, this.size - at))
  }

  stream(): Readable {
    return Readable.from(this.slices(), { objectMode: false, highWaterMark: 64 * 1024 })
  }

  hash(): string {
    const hash = createHash('sha1')
    for (const slice of this.slices()) hash.update(slice)
    return hash.digest('hex')
  }
}

/** Reads a body to its end. */
export async function digest(message: Readable): Promise<{ size: number; hash: string }> {
  const hash = createHash('sha1')
  let size = 0
  await pipeline(message, async (bytes: AsyncIterable<Buffer>) => {
    for await (const slice of bytes) {
      size += slice.length
      hash.update(slice)
    }
  })
  return { size, hash: hash.digest('hex') }
}
