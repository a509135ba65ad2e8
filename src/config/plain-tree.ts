import type { Path, Problem } from './finding.ts'
import { maxDepth } from './written.ts'

/** Copies what a module exports, as far as it is plain values; keys without a value are left out. */
export function toPlainTree(exported: unknown): { tree: unknown; problems: readonly Problem[] } {
  const problems: Problem[] = []

  const copy = (value: unknown, path: Path): unknown => {
    const refusal = refuse(value, path)
    if (refusal !== null) {
      problems.push({ path, ...refusal })
      return null
    }
    if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
    return Object.fromEntries(entries.map(([key, inner]) => [key, copy(inner, [...path, key])]))
  }

  return { tree: copy(exported, []), problems }
}

function refuse(value: unknown, path: Path): { message: string; hint?: string } | null {
  if (path.at(-1) === '__proto__') return { message: 'unknown key' }
  if (path.length > maxDepth) return { message: `nested more than ${maxDepth} levels deep, or within itself` }
  if (typeof value === 'function') {
    return { message: 'functions in a configuration are not built yet; they come with a later version' }
  }
  if (typeof value === 'symbol' || typeof value === 'bigint')
    return { message: `a ${typeof value} has no meaning here` }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return null
  return { message: 'only plain objects, lists, texts, numbers and booleans have a meaning here' }
}
