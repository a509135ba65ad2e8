import type { ApiAnswer, ApiRequest, LateAnswer } from './api-request.ts'

export interface Operation {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Without a slash at its end. A longer path wins over a shorter one. */
  readonly path: string
  /** Whether a name may follow the path, slashes and all. */
  readonly takesName: boolean
  readonly answer: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer | LateAnswer>
}

export interface Match {
  /** Those of one path, one per method; none where no path fits. */
  readonly operations: readonly Operation[]
  readonly name: string
}

/** The operations of a decoded path. */
export function findOperations(operations: readonly Operation[], path: string): Match {
  let longest = ''
  for (const operation of operations) {
    const fits = path === operation.path || (operation.takesName && path.startsWith(`${operation.path}/`))
    if (fits && operation.path.length > longest.length) longest = operation.path
  }
  return {
    operations: operations.filter((operation) => operation.path === longest),
    name: path.slice(longest.length + 1),
  }
}
