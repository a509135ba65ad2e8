import type { MatchInput, RouteRule } from '../core/route.ts'
import { explain } from '../routing/explain.ts'
import { rewritePath } from '../routing/rewrite.ts'
import { normalizeHost } from '../util/host.ts'
import { normalizePath } from '../util/path.ts'
import type { EndpointView, ServiceView } from './views.ts'

export interface ExplainQuestion {
  readonly method: string
  /** `http://host/path?query`, or `/path` for a request to no host in particular. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
}

/** Why a request goes where it goes. */
export interface ExplainAnswer {
  /** Id of the route that wins; null = no-route. */
  readonly route: string | null
  readonly service: string | null
  /** The path as the endpoint receives it, with the query. */
  readonly path: string | null
  readonly candidates: readonly { readonly route: string; readonly lost: string }[]
  readonly endpoints: readonly EndpointView[]
  /** What is tried when the first endpoint fails. */
  readonly retry: string | null
}

/** The question can't be answered: its URL is none that a request could have. */
export class ExplainError extends Error {
  override readonly name = 'ExplainError'
}

export function explainRequest(
  question: ExplainQuestion,
  rules: readonly RouteRule[],
  serviceView: (name: string) => ServiceView | null,
): ExplainAnswer {
  const { input, query } = readQuestion(question)
  const { route, candidates } = explain(
    rules.map((rule) => ({ rule })),
    input,
  )
  const lost = candidates.map((candidate) => ({ route: candidate.route.rule.id, lost: candidate.lost }))
  if (route === null) return { route: null, service: null, path: null, candidates: lost, endpoints: [], retry: null }
  const { rule } = route
  return {
    route: rule.id,
    service: rule.service,
    path: rewritePath(rule, input.path) + query,
    candidates: lost,
    endpoints: serviceView(rule.service)?.endpoints ?? [],
    retry: retrySentence(rule, question.method),
  }
}

function readQuestion({ method, url, headers }: ExplainQuestion): { input: MatchInput; query: string } {
  const absolute = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url)
  const target = absolute === null ? url : (absolute[2] as string)
  const authority = absolute?.[1] ?? headers.get('host') ?? ''
  const queryAt = target.indexOf('?')
  const rawPath = queryAt === -1 ? target : target.slice(0, queryAt)
  const path = normalizePath(rawPath === '' ? '/' : rawPath)
  if (path === null) throw new ExplainError(`the path of ${JSON.stringify(url)} would be refused with 400`)
  const host = authority === '' ? '' : normalizeHost(authority)
  if (host === null) throw new ExplainError(`the host of ${JSON.stringify(url)} would be refused with 400`)
  return {
    input: { method: method.toUpperCase(), host, path, header: (name) => headers.get(name) ?? null },
    query: queryAt === -1 ? '' : target.slice(queryAt),
  }
}

function retrySentence(rule: RouteRule, method: string): string {
  const unsent = 'nothing was sent: another endpoint at once, up to 3 in all'
  const repeatable = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].includes(method.toUpperCase())
  if (rule.retryAttempts === 0) return `${unsent}; the route allows no other retry`
  if (!repeatable) return `${unsent}; ${method.toUpperCase()} is never sent twice`
  return `${unsent}; sent without an answer: ${rule.retryAttempts} more within the budget of 20 % of requests + 10/s`
}
