import type { Path, Problem } from './finding.ts'
import { maxDepth } from './written.ts'

/** Copies what a module exports, as far as it is plain values; keys without a value are left out. */
export function toPlainTree(exported: unknown): { tree: unknown; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const around = new Set<unknown>()

  const copy = (value: unknown, path: Path): unknown => {
    const message = around.has(value) ? 'a value within itself has no end' : refusalOf(value, path)
    if (message !== null) {
      problems.push({ path, message })
      return null
    }
    if (typeof value !== 'object' || value === null) return value
    around.add(value)
    const copied = Array.isArray(value) ? copyList(value, path) : copyObject(value, path)
    around.delete(value)
    return copied
  }
  const copyList = (list: readonly unknown[], path: Path) =>
    Array.from(list, (item, index) => copy(item, [...path, index]))
  const copyObject = (object: object, path: Path) => {
    const entries = Object.entries(object).filter(([, inner]) => inner !== undefined)
    return Object.fromEntries(entries.map(([key, inner]) => [key, copy(inner, [...path, key])]))
  }

  return { tree: copy(exported, []), problems }
}

function refusalOf(value: unknown, path: Path): string | null {
  if (path.at(-1) === '__proto__') return 'unknown key'
  if (path.length > maxDepth) return `nested more than ${maxDepth} levels deep`
  if (typeof value === 'function')
    return 'functions in a configuration are not built yet; they come with a later version'
  if (typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value} has no meaning here`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return null
  return 'only plain objects, lists, texts, numbers and booleans have a meaning here'
}
