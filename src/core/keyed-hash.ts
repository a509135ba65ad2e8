const finalRounds = 3

/**
 * HalfSipHash-1-3 (Aumasson, Bernstein, 2012): spreads keys over buckets so that nobody who does not know the secret can choose
 * keys that meet in one.
 *
 * @param words the key; as many of them as `length`
 * @returns 32 bits, signed
 */
export function keyedHash(words: Int32Array, length: number, secret0: number, secret1: number): number {
  let a = secret0
  let b = secret1
  let c = 0x6c796765 ^ secret0
  let d = 0x74656462 ^ secret1
  for (let i = 0; i < length + finalRounds; i++) {
    const word = i < length ? (words[i] as number) : 0
    if (i === length) c ^= 0xff
    d ^= word
    a = (a + b) | 0
    b = rotate(b, 5) ^ a
    a = rotate(a, 16)
    c = (c + d) | 0
    d = rotate(d, 8) ^ c
    a = (a + d) | 0
    d = rotate(d, 7) ^ a
    c = (c + b) | 0
    b = rotate(b, 13) ^ c
    c = rotate(c, 16)
    a ^= word
  }
  return b ^ d
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}
