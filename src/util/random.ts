/** A source of numbers in [0, 1), injected so that tests can seed it. */
export type Random = () => number

/** Mulberry32: small, fast, seedable; for choosing endpoints and jitter, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  return () => {
    // Signed 32 bits: a number that V8 need not box, so that drawing allocates nothing.
    state = (state + 0x6d2b79f5) | 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
