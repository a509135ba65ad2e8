import { parseContentLength } from './fields.ts'
import type { RequestHead } from './request-head.ts'

const line = /^max-forwards:.*\r\n/im

/**
 * Counts this hop in the Max-Forwards of an OPTIONS (RFC 9110 section 7.6.2): one less is carried on, and at 0 the request goes
 * no further. TRACE, the other method with it, is refused; in all others the field means nothing.
 *
 * @returns false when the field is no number
 */
export function countForward(head: RequestHead): boolean {
  const value = head.fields.get('max-forwards')
  if (value === null) return true
  head.maxForwards = parseContentLength(value, 0, value.length)
  if (head.maxForwards === -1) return false
  head.carried = head.carried.replace(line, `max-forwards: ${head.maxForwards - 1}\r\n`)
  return true
}
