import type { MatchInput, RouteRule } from '../core/route.ts'
import { explain } from '../routing/explain.ts'
import { rewritePath } from '../routing/rewrite.ts'
import type { EndpointView, ServiceView } from './views.ts'

/** A request that is asked about. */
export interface ExplainQuestion extends MatchInput {
  /** Path in normal form, with the query. */
  readonly url: string
}

/** Why a request goes where it goes. */
export interface ExplainAnswer {
  /** Id of the route that wins; null = no-route. */
  readonly route: string | null
  /** What the route was made from; null = the configuration declares it. */
  readonly origin: string | null
  readonly service: string | null
  /** The path as the endpoint receives it, with the query. */
  readonly path: string | null
  readonly candidates: readonly { readonly route: string; readonly lost: string }[]
  readonly endpoints: readonly EndpointView[]
  /** What is tried when the first endpoint fails. */
  readonly retry: string | null
}

export function explainRequest(
  question: ExplainQuestion,
  rules: readonly RouteRule[],
  serviceView: (name: string) => ServiceView | null,
): ExplainAnswer {
  const { route, candidates } = explain(
    rules.map((rule) => ({ rule })),
    question,
  )
  const lost = candidates.map((candidate) => ({ route: candidate.route.rule.id, lost: candidate.lost }))
  if (route === null)
    return { route: null, origin: null, service: null, path: null, candidates: lost, endpoints: [], retry: null }
  const { rule } = route
  return {
    route: rule.id,
    origin: rule.origin,
    service: rule.service,
    path: rewritePath(rule, question.path) + question.url.slice(question.path.length),
    candidates: lost,
    endpoints: serviceView(rule.service)?.endpoints ?? [],
    retry: retrySentence(rule, question.method),
  }
}

function retrySentence({ retry }: RouteRule, method: string): string {
  const unsent = retry.connect
    ? 'nothing was sent: another endpoint at once, up to 3 in all'
    : 'nothing was sent: no other endpoint'
  const causes = [
    ...(retry.reset ? ['reset before an answer'] : []),
    ...(retry.headTimeout ? ['no answer in time'] : []),
    ...retry.statuses.map((status) => `answered ${status}`),
  ]
  if (retry.attempts === 0 || causes.length === 0) return `${unsent}; the route allows no other retry`
  const repeatable = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].includes(method)
  if (!repeatable) return `${unsent}; ${method} is never sent twice`
  return `${unsent}; ${causes.join(', ')}: ${retry.attempts} more within the retry budget of the service`
}
