import type { Failure } from '../../core/failure.ts'

/** What node:http adds to its errors. */
interface ParseError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
}

/**
 * The failure of a request that node:http could not read; null when its socket broke.
 *
 * @param headBytes the listener's limit
 */
export function failureOfParseError(error: ParseError, headBytes: number): Failure | null {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request-timeout'
    case 'HPE_HEADER_OVERFLOW': {
      const text = error.rawPacket?.toString('latin1') ?? ''
      return text.lastIndexOf('\r\n', headBytes) === -1 ? 'uri-too-long' : 'headers-too-large'
    }
    case 'HPE_INVALID_VERSION':
      return 'version'
    default:
      return error.code?.startsWith('HPE_') === true ? 'bad-request' : null
  }
}
