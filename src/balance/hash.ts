/** Two of the multipliers of MurmurHash3 (Appleby, public domain), whose rounds these are. */
const multiplier1 = 0x85ebca6b
const multiplier2 = 0xc2b2ae35
const fnvPrime = 0x01000193
const fnvOffset = 0x811c9dc5

/**
 * 32 bits of a text, or of the part from `start` to `end`: FNV-1a over its characters, then mixed. Without a secret, so that every
 * thread and every gateway comes to the same; who picks keys on purpose can make them meet.
 */
export function hashText(text: string, start = 0, end = text.length, seed = fnvOffset): number {
  let hash = seed
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime)
  return mix(hash, 0)
}

/** Spreads each bit of `hash` over all; `salt` goes in half-way. Signed. */
export function mix(hash: number, salt: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), multiplier1) ^ salt
  mixed = Math.imul(mixed ^ (mixed >>> 13), multiplier2)
  return mixed ^ (mixed >>> 16)
}
