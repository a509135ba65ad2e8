import type { Failure } from '../../core/failure.ts'

/** What node:http adds to its errors. */
interface ParseError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
  /** In the words of llhttp. */
  readonly reason?: string
}

/**
 * The failure of a request that node:http could not read; null when its socket broke or ended.
 *
 * @param headBytes the listener's limit
 */
export function failureOfParseError(error: ParseError, headBytes: number): Failure | null {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request-timeout'
    case 'HPE_HEADER_OVERFLOW':
      return tooLarge(packetOf(error), headBytes)
    case 'HPE_INVALID_VERSION':
      // Else it is no version at all. The packet holds no more than what came last.
      return error.reason === 'Invalid HTTP version' ? 'version' : 'bad-request'
    case 'HPE_PAUSED_H2_UPGRADE':
      return 'version'
    case 'HPE_INVALID_EOF_STATE':
      // The client ended in the middle.
      return null
    default:
      return error.code?.startsWith('HPE_') === true ? 'bad-request' : null
  }
}

/** Which limit a head went over. @param text the head, or what came of it last */
export function tooLarge(text: string, headBytes: number): Failure {
  return text.lastIndexOf('\r\n', headBytes) === -1 ? 'uri-too-long' : 'headers-too-large'
}

function packetOf({ rawPacket }: ParseError): string {
  return rawPacket?.toString('latin1') ?? ''
}
