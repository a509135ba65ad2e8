import { setImmediate as turn } from 'node:timers/promises'
import { parseDurationMs } from '../util/duration.ts'
import type { EndpointAction } from './admin-input.ts'
import { json, problem, type Answer } from './answer.ts'
import type { Resource } from './resource.ts'

const lasts = '?duration=10m for a time, else until it is undone or the gateway restarts'
const summaries: Readonly<Record<EndpointAction, string>> = {
  drain: `Send an endpoint no new requests, let those in flight finish; ${lasts}`,
  undrain: 'End the drain of an endpoint',
  eject: `Eject an endpoint by hand; ${lasts}`,
  restore: 'End the ejection of an endpoint, whether it was ejected by hand or by the traffic',
}

/** setTimeout takes 31 bits. */
const maxMs = 24 * 24 * 3_600_000

/** What an operator does to an endpoint. Its id is that of the services' views, percent-encoded. */
export const endpointCommands: readonly Resource[] = (['drain', 'undrain', 'eject', 'restore'] as const).map(
  (action) => ({
    path: `/api/v1/endpoints/{id}/${action}`,
    method: 'POST',
    access: 'token',
    summary: summaries[action],
    async answer(input, { segments: [id = ''], query }) {
      const durationMs = durationIn(query, action)
      if (typeof durationMs === 'object' && durationMs !== null) return durationMs
      const outcome = input.commandEndpoint(id, action, durationMs)
      if (!outcome.found) return unknownEndpoint(id, outcome.suggestion)
      // Lists are posted at the end of the turn. An order that is confirmed is on its way to the data threads.
      await turn()
      const { until, changed, services } = outcome
      return json({ endpoint: id, action, until, changed, services })
    },
  }),
)

/** @returns milliseconds, null when none is given, or what to answer instead */
function durationIn(query: URLSearchParams, action: EndpointAction): number | null | Answer {
  const takesDuration = action === 'drain' || action === 'eject'
  const unknown = [...query.keys()].find((key) => key !== 'duration' || !takesDuration)
  if (unknown !== undefined) {
    // Whoever writes ?for=10m must not find it drained for ever.
    return problem(
      400,
      `${action} takes no ${JSON.stringify(unknown)}; ${takesDuration ? 'only duration' : 'it takes nothing'}`,
    )
  }
  const text = query.get('duration')
  if (text === null) return null
  const ms = parseDurationMs(text)
  if (ms !== null && ms > 0 && ms <= maxMs) return ms
  return problem(
    400,
    `duration must be such as 30s, 10m or 2h, more than 0 and at most 576h, not ${JSON.stringify(text)}`,
  )
}

function unknownEndpoint(id: string, suggestion: string | null): Answer {
  const hint =
    suggestion === null ? '/api/v1/services lists those there are' : `did you mean ${JSON.stringify(suggestion)}?`
  const members = suggestion === null ? {} : { suggestion, path: `/api/v1/endpoints/${encodeURIComponent(suggestion)}` }
  return problem(404, `No endpoint has the id ${JSON.stringify(id)}; ${hint}`, members)
}
