/** A trailer that would frame the message: dropped by us (RFC 9110 section 6.5.1), the end of the message for llhttp. */
export function hasFramingTrailer(bytes: string): boolean {
  return /\r\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*(?:content-length|transfer-encoding):/i.test(bytes)
}

/** White space behind a coding may be a tab (RFC 9110 section 5.6.3), which llhttp does not take. */
export function hasTabBehindChunked(bytes: string): boolean {
  return /transfer-encoding:[ \t]*chunked[ \t]*\t/i.test(bytes)
}

/** An interim answer that says `close`: for llhttp the connection's last; for us it speaks of the final one (RFC 9112 section 9.6). */
export function hasClosingInterim(bytes: string): boolean {
  return /HTTP\/1\.1 1\d\d[^\r\n]*\r\n(?:[^\r\n]+\r\n)*connection:[^\r\n]*close/i.test(bytes)
}
