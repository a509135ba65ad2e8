import { afterAll, beforeAll, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw } from '../support/raw-client.ts'
import { setStage, type Stage } from '../support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(async () => stage.close())

// A reg-name may hold `;`, `=` and `,` (RFC 3986 section 3.2.2); unquoted in Forwarded they begin pairs of the client's own.
test.each(['a;for=6.6.6.6', 'a;proto=https', 'a;by=x;for=y'])(
  'a Host of %s adds no pair to Forwarded',
  async (host) => {
    const { status } = await exchangeRaw(stage.engine.port, `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
    expect(status).toBe(200)
    const request = stage.origin.requests.at(-1)
    expect(request && header(request, 'forwarded')).toBe(`for=127.0.0.1;proto=http;host="${host}"`)
  },
)
