import { expect, test } from 'vitest'
import type { Exchange } from '../../../src/proxy/exchange.ts'
import { requestBody } from '../../../src/proxy/request-body.ts'

/** An exchange whose connection to the endpoint does not stand yet. */
function waiting(): Exchange {
  const downstream = { pauseBody: () => {} }
  const head = { method: 'PUT' }
  return { isSettled: false, upstream: null, requestBytes: 0, kept: null, keptBytes: 0, head, downstream } as never
}

test('what is kept of a body in bytes of one is a handful of pieces, in order', () => {
  const x = waiting()
  const sent = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251))

  for (let i = 0; i < sent.length; i++) requestBody(x, sent, i, i + 1)

  expect(Buffer.concat(x.kept ?? []).equals(sent)).toBe(true)
  expect(x.kept?.length).toBeLessThanOrEqual(64)
  expect(x.keptBytes).toBe(sent.length)
})
