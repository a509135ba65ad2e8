import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConnectMiddleware } from '../../core/middleware.ts'

/**
 * Passes a request through the middlewares, in order. One that does not call `next` has answered, or will.
 *
 * @param passed called once at most: with null when all have let it pass, else with what one threw or gave to `next`
 */
export function runMiddlewares(
  middlewares: readonly ConnectMiddleware[],
  request: IncomingMessage,
  response: ServerResponse,
  passed: (error: unknown) => void,
): void {
  let turn = 0
  const run = (at: number): void => {
    const middleware = middlewares[at]
    if (middleware === undefined) return passed(null)
    const next = (error?: unknown): void => {
      // A second call, or one behind an answer, has nothing left to decide.
      if (turn !== at || response.writableEnded) return
      turn = at + 1
      if (error === undefined || error === null) run(at + 1)
      else passed(error)
    }
    try {
      middleware(request, response, next)
    } catch (error) {
      next(error ?? new Error('a middleware threw nothing'))
    }
  }
  run(0)
}
