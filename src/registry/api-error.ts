/** Ends a request with a status and a plain text, as Consul's HTTP API reports errors. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.name = 'ApiError'
    this.status = status
  }
}
