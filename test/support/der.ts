/** As much of DER (ITU-T X.690) as an X.509 certificate needs. */

export function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const hex = content.length.toString(16)
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

export const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts)
export const set = (...parts: readonly Buffer[]): Buffer => tlv(0x31, ...parts)
export const octetString = (bytes: Buffer): Buffer => tlv(0x04, bytes)
export const bitString = (bytes: Buffer): Buffer => tlv(0x03, Buffer.from([0]), bytes)
export const utf8String = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'))
/** A tag of the context, with other elements in it. */
export const explicit = (number: number, ...parts: readonly Buffer[]): Buffer => tlv(0xa0 | number, ...parts)
/** A tag of the context in place of a simple element's own. */
export const implicit = (number: number, bytes: Buffer): Buffer => tlv(0x80 | number, bytes)
export const nothing: Buffer = tlv(0x05)
export const yes: Buffer = tlv(0x01, Buffer.from([0xff]))

/** @param bytes of a number that is not negative */
export function integer(bytes: Buffer): Buffer {
  return tlv(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest & 0x7f))
  return digits
}

/** GeneralizedTime, which has years of four digits. */
export function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
}
