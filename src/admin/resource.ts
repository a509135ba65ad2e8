import type { AdminInput } from './admin-input.ts'
import type { Answer } from './answer.ts'

/** One resource of the admin API. */
export interface Resource {
  /** `{word}` stands for any one segment. */
  readonly path: string
  /** GET answers HEAD too. */
  readonly method: 'GET' | 'POST'
  /** `open`: never needs the token; `metrics`: needs it unless metrics are public; `token`: needs it where one is set. */
  readonly access: 'open' | 'metrics' | 'token'
  /** For the index. */
  readonly summary: string
  readonly answer: (input: AdminInput, call: Call) => Answer | Promise<Answer>
}

export interface Call {
  /** What stood for the `{words}` of the path, decoded. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}
