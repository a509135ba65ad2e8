import type { ApiAnswer, ApiRequest } from './api-request.ts'

export interface Operation {
  readonly method: 'GET' | 'PUT'
  /** Without a slash at its end. A longer path wins over a shorter one. */
  readonly path: string
  /** Whether a name may follow the path, slashes and all. */
  readonly takesName: boolean
  readonly answer: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

export interface Match {
  readonly operation: Operation
  readonly name: string
}

/** The operation of a decoded path, or undefined. */
export function findOperation(operations: readonly Operation[], path: string): Match | undefined {
  let best: Match | undefined
  for (const operation of operations) {
    if (best && best.operation.path.length >= operation.path.length) continue
    if (path === operation.path) best = { operation, name: '' }
    else if (operation.takesName && path.startsWith(`${operation.path}/`))
      best = { operation, name: path.slice(operation.path.length + 1) }
  }
  return best
}
