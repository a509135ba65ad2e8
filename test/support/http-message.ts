/**
 * One HTTP/1.1 message as it came over the wire. Text is latin1, one character a byte.
 */
export interface HttpMessage {
  readonly startLine: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Decoded. */
  readonly body: string
  readonly trailers: readonly (readonly [name: string, value: string])[]
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** Every byte of it. */
  readonly raw: string
}

export interface ReadOptions {
  readonly kind: 'request' | 'response'
  /** True for the answer to a HEAD. */
  readonly bodyless?: boolean
  /** True when no more bytes will come. */
  readonly hasEnded?: boolean
}

/** What a strict reader will not take; the tests' own judgement, independent of the engine's parsers. */
export class MalformedMessage extends Error {}

/** The value of the only field of this name; several are an error of the test. */
export function header(message: HttpMessage, name: string): string | undefined {
  const values = message.fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value)
  if (values.length > 1) throw new MalformedMessage(`${values.length} fields named ${name}`)
  return values[0]
}

/**
 * Takes the first message off `text`.
 *
 * @returns null when more bytes are needed
 * @throws MalformedMessage for anything that is not exactly RFC 9112: lone CR or LF, folded lines, two framings, bad chunks
 */
export function takeMessage(text: string, options: ReadOptions): HttpMessage | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const pattern =
    options.kind === 'request'
      ? /^[!#$%&'*+.^_`|~\dA-Za-z-]+ [!"$-~]+ HTTP\/1\.1$/
      : /^HTTP\/1\.1 [1-5]\d\d [\t -~\x80-\xff]*$/
  if (!pattern.test(startLine)) throw new MalformedMessage(`start line ${JSON.stringify(startLine)}`)
  const fields = readFields(lines)
  const body = readBody(text, headEnd + 4, { startLine, fields, options })
  if (body === null) return null
  return {
    startLine,
    fields,
    body: body.body,
    trailers: body.trailers,
    framing: body.framing,
    raw: text.slice(0, body.end),
  }
}

interface Body {
  readonly framing: HttpMessage['framing']
  readonly body: string
  readonly trailers: HttpMessage['trailers']
  readonly end: number
}

interface Head {
  readonly startLine: string
  readonly fields: HttpMessage['fields']
  readonly options: ReadOptions
}

function readBody(text: string, start: number, { startLine, fields, options }: Head): Body | null {
  const lengths = valuesOf(fields, 'content-length')
  const codings = valuesOf(fields, 'transfer-encoding')
  if (lengths.length + codings.length > 1) throw new MalformedMessage('more than one framing field')
  if (options.kind === 'response' && (options.bodyless === true || /^HTTP\/1\.1 (?:1|204|304)/.test(startLine)))
    return { framing: 'none', body: '', trailers: [], end: start }
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') throw new MalformedMessage(`transfer coding ${codings[0]}`)
    return readChunks(text, start)
  }
  const length = lengths[0]
  if (length !== undefined) {
    if (!/^\d{1,15}$/.test(length)) throw new MalformedMessage(`content length ${length}`)
    const end = start + Number(length)
    return text.length < end ? null : { framing: 'length', body: text.slice(start, end), trailers: [], end }
  }
  if (options.kind === 'request') return { framing: 'none', body: '', trailers: [], end: start }
  if (options.hasEnded !== true) return null
  return { framing: 'close', body: text.slice(start), trailers: [], end: text.length }
}

function readChunks(text: string, start: number): Body | null {
  const pieces: string[] = []
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const size = text.slice(at, lineEnd)
    if (!/^[\da-f]{1,8}$/.test(size)) throw new MalformedMessage(`chunk size ${JSON.stringify(size)}`)
    const length = Number.parseInt(size, 16)
    if (length === 0) {
      const trailersEnd = text.indexOf('\r\n\r\n', lineEnd)
      if (trailersEnd === -1) return null
      const lines = trailersEnd === lineEnd ? [] : text.slice(lineEnd + 2, trailersEnd).split('\r\n')
      return { framing: 'chunked', body: pieces.join(''), trailers: readFields(lines), end: trailersEnd + 4 }
    }
    const dataStart = lineEnd + 2
    if (text.length < dataStart + length + 2) return null
    if (!text.startsWith('\r\n', dataStart + length)) throw new MalformedMessage('chunk data not followed by CRLF')
    pieces.push(text.slice(dataStart, dataStart + length))
    at = dataStart + length + 2
  }
}

function readFields(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const match = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[ \t]*(.*?)[ \t]*$/s.exec(line)
    const [, name = '', value = ''] = match ?? []
    if (match === null || /[^\t -~\x80-\xff]/.test(value)) throw new MalformedMessage(`field ${JSON.stringify(line)}`)
    return [name, value]
  })
}

function valuesOf(fields: HttpMessage['fields'], name: string): string[] {
  return fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value)
}
