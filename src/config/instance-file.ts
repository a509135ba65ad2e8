import type { z } from 'zod'
import type { StaticInstanceConfig } from './config.ts'
import { type Finding, formatFinding, formatPath, type Path, type Problem } from './finding.ts'
import { normalizeInstance } from './normalize.ts'
import { readText, UnreadableText } from './read-text.ts'
import { readYaml } from './read-yaml.ts'
import { instance } from './schema/discovery.ts'
import { describeIssues } from './schema-issues.ts'
import type { Written } from './written.ts'

export interface ListedService {
  readonly instances: readonly StaticInstanceConfig[]
  /** `entry`: `instances.yaml:4:7 billing[1].weight`. */
  readonly skipped: readonly { readonly entry: string; readonly reason: string }[]
}

type Skipped = ListedService['skipped'][number]
type Issue = z.core.$ZodIssue

const maxMiB = 16
/** Where the configuration has such lists; its findings are those of these places. */
const asIn: Path = ['discovery', 'file', 'services']

/**
 * Reads a `file` source: lists of instances by service name. An entry that can't be used is left out and told of; it hides
 * neither its neighbours nor other services.
 *
 * @throws Error with line and column where nothing in it can be relied on: it is not there, half-written, or no such map
 */
export async function readInstanceFile(path: string): Promise<ReadonlyMap<string, ListedService>> {
  let text: string
  try {
    text = await readText(path, maxMiB)
  } catch (error) {
    if (error instanceof UnreadableText) throw new Error(`${path} ${error.message}`, { cause: error })
    throw error
  }
  const written = readQuickly(path, text)
  const [problem] = written.problems
  if (problem !== undefined) throw new Error(formatFinding(findingOf(problem, path, written)))
  if (typeof written.tree !== 'object' || written.tree === null || Array.isArray(written.tree)) {
    const message = 'expected lists of instances by service name'
    const hint = written.tree === null ? 'write {} for none' : 'begin with a service: `billing: ["127.0.0.1:9101"]`'
    throw new Error(formatFinding(findingOf({ path: [], message, hint }, path, written)))
  }
  return readLists(written.tree as Record<string, unknown>, { path, written })
}

/** Long lists come from programs, which write JSON; that is read at once, and as YAML only to say where it is wrong. */
function readQuickly(path: string, text: string): Written {
  if (!path.endsWith('.json')) return readYaml(text)
  try {
    const tree: unknown = JSON.parse(text)
    let full: Written | null = null
    return { tree, problems: [], locate: (at, atKey) => (full ??= readYaml(text)).locate(at, atKey) }
  } catch {
    return readYaml(text)
  }
}

interface Place {
  readonly path: string
  readonly written: Written
}

function readLists(services: Record<string, unknown>, place: Place): ReadonlyMap<string, ListedService> {
  const issues: Issue[] = []
  const lists = new Map<string, { instances: readonly StaticInstanceConfig[]; skipped: Skipped[] }>()
  for (const [service, list] of Object.entries(services)) {
    if (Array.isArray(list)) {
      const results = list.map((entry: unknown) => instance.safeParse(entry))
      const instances = results.flatMap(({ data }) => (data === undefined ? [] : normalizeInstance(data)))
      lists.set(service, { instances, skipped: [] })
      for (const [index, { error }] of results.entries()) {
        for (const issue of error?.issues ?? [])
          issues.push({ ...issue, path: [...asIn, service, index, ...issue.path] })
      }
    } else {
      const hint = typeof list === 'string' ? 'put it into [ ]' : 'write [] for none'
      const problem = { path: [service], message: 'expected a list of instances', hint }
      lists.set(service, { instances: [], skipped: [skipped(problem, place)] })
    }
  }
  // All at once: what they are described by is made anew for each call.
  const tree = { discovery: { file: { type: 'static', services } } }
  for (const problem of issues.length === 0 ? [] : describeIssues(issues, tree)) {
    const path = problem.path.slice(asIn.length)
    lists.get(String(path[0]))?.skipped.push(skipped({ ...problem, path }, place))
  }
  return lists
}

function skipped(problem: Problem, { path, written }: Place): Skipped {
  const { message, hint, line, column } = findingOf(problem, path, written)
  return {
    entry: `${path}:${line}:${column} ${formatPath(problem.path)}`,
    reason: hint === undefined ? message : `${message}; ${hint}`,
  }
}

function findingOf(problem: Problem, file: string, { locate }: Written): Finding {
  const position = problem.position ?? locate(problem.path, problem.atKey ?? false)
  const { message, hint } = problem
  return {
    file,
    line: position?.line ?? null,
    column: position?.column ?? null,
    path: formatPath(problem.path),
    message,
    ...(hint !== undefined && { hint }),
  }
}
