/** Ends a request with a status and a plain text, as Consul's HTTP API reports errors. */
export class ApiError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text)
    this.name = 'ApiError'
    this.status = status
    this.headers = headers
  }
}
