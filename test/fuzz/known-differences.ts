/** A trailer that would frame the message: dropped by us (RFC 9110 section 6.5.1), the end of the message for llhttp. */
export function hasFramingTrailer(bytes: string): boolean {
  return /\r\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*(?:content-length|transfer-encoding):/i.test(bytes)
}

/** White space behind a coding may be a tab (RFC 9110 section 5.6.3), which llhttp does not take. */
export function hasTabBehindChunked(bytes: string): boolean {
  return /transfer-encoding:[ \t]*chunked[ \t]*\t/i.test(bytes)
}
