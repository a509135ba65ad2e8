import { STATUS_CODES } from 'node:http'

/** What a resource answers; the server adds lengths and security fields. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export function json(value: unknown, status = 200): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` }
}

/**
 * An error as RFC 9457 has it. The type is `about:blank`, so the title is the status' own phrase (section 4.2.1); `detail`
 * says what is wrong here and what to do.
 *
 * @param members extension members of the document
 */
export function problem(status: number, detail: string, members: object = {}): Answer {
  const document = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...members }
  return { status, contentType: 'application/problem+json', body: `${JSON.stringify(document)}\n` }
}
