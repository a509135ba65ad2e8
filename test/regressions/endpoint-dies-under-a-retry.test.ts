import { expect, test } from 'vitest'
import { ask, useFlow } from '../support/flow.ts'
import { answer, type RecordedRequest } from '../support/recording-origin.ts'

const flow = useFlow()

/**
 * What a SIGKILL of an instance does to a GET: its kept connection is reset, the new one in its place reaches the same instance,
 * whose port the system has not closed yet, and is reset too. Found by `npm run chaos -- --fault killed-get`: one of 34,000
 * requests got 502.
 */
test.each(['fast', 'standard'] as const)(
  'a GET whose stale connection and the new one in its place are reset goes to another endpoint (%s)',
  async (engineName) => {
    let isDying = false
    const held = Promise.withResolvers<RecordedRequest>()
    const dying = await flow.rawOrigin((request) => {
      if (!isDying) return answer('dying')
      if (request.connection.requests.length > 1) held.resolve(request)
      else request.connection.socket.resetAndDestroy()
      return undefined
    })
    const well = await flow.rawOrigin(() => answer('well'))
    const engine = await flow.engine({ origins: [dying, well], listener: { engine: engineName } })
    // From here on the next request is for `dying`, and there is a kept connection to it.
    for (let last = ''; last !== 'well' || dying.requests.length === 0;) last = String((await ask(engine.port)).body)
    isDying = true

    const underWay = ask(engine.port)
    const { connection } = await held.promise
    // So that the next one is for `dying` again.
    expect(String((await ask(engine.port)).body)).toBe('well')
    connection.socket.resetAndDestroy()

    expect(String((await underWay).body)).toBe('well')
  },
)
