import type { MatchInput, RouteRule } from '../core/route.ts'

/** Whether the rule's conditions beyond host and path hold. Field values compare exactly. */
export function accepts(rule: RouteRule, input: MatchInput): boolean {
  return acceptsMethod(rule, input) && refusedHeader(rule, input) === null
}

export function acceptsMethod(rule: RouteRule, input: MatchInput): boolean {
  return rule.methods === null || rule.methods.includes(input.method)
}

/** The first condition on a header field that does not hold. */
export function refusedHeader(rule: RouteRule, input: MatchInput): RouteRule['headers'][number] | null {
  for (const wanted of rule.headers) {
    if (input.header(wanted.name) !== wanted.value) return wanted
  }
  return null
}
