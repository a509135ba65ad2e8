/** `buffer.latin1Slice` is what `toString('latin1')` ends in, less its look-up of the encoding; the types leave it out. */
interface Latin1Sliceable {
  latin1Slice(start: number, end: number): string
}

/** The same string in one piece: what was put together is taken apart each time that it is written. */
export function flat(text: string): string {
  return latin1(Buffer.from(text, 'latin1'), 0, text.length)
}

/** Bytes as a string with one code unit per byte; written back as latin1 they are the same bytes. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Sliceable).latin1Slice(start, end)
}
