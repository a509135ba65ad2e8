import type { RouteRule } from '../core/route.ts'
import { replacePrefix } from '../util/path.ts'

/** What a rule does to the path: `cut` characters off its front, `put` before the rest (see replacePrefix). */
export interface PathPlan {
  readonly cut: number
  readonly put: string
}

/** Final slashes of either prefix fall away, so that no `//` comes up at the seam and what is left begins with `/`. */
export function pathPlan(rule: RouteRule): PathPlan {
  return {
    cut: rule.stripPrefix ? withoutFinalSlashes(rule.path).length : 0,
    put: rule.prependPath === null ? '' : withoutFinalSlashes(rule.prependPath),
  }
}

/** The path as the endpoint receives it. @param path in normal form, matched by the rule */
export function rewritePath(rule: RouteRule, path: string): string {
  const { cut, put } = pathPlan(rule)
  return replacePrefix(path, cut, put)
}

function withoutFinalSlashes(path: string): string {
  let end = path.length
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--
  return path.slice(0, end)
}
