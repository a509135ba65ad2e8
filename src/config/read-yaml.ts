import { Composer, type CST, type Document, LineCounter, Parser, type YAMLError } from 'yaml'
import type { Position, Problem } from './finding.ts'
import { maxDepth, type Written } from './written.ts'
import { YamlTree } from './yaml-tree.ts'

/** Reads YAML 1.2 (so JSON too), with anchors, aliases and merge keys. Never throws: what is wrong is in `problems`. */
export function readYaml(text: string): Written {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const tooDeep = findTooDeep(tokens)
  if (tooDeep !== null) {
    const message = `nested more than ${maxDepth} levels deep`
    return broken([{ path: [], message, position: at(tooDeep) }])
  }
  const [document, second] = composeAll(tokens, text.length)
  const problems = [...(document?.errors ?? []), ...(document?.warnings ?? [])].map((error) => syntaxProblem(error, at))
  if (second !== undefined) {
    const position = at(second.contents?.range?.[0] ?? text.length)
    problems.push({ path: [], message: 'a second YAML document begins here', hint: 'keep one per file', position })
  }
  if (problems.length > 0) return broken(problems)
  const tree = new YamlTree(document?.contents ?? null, at)
  return { tree: tree.value, problems: tree.problems, locate: (path, atKey) => tree.locate(path, atKey) }
}

function broken(problems: readonly Problem[]): Written {
  return { tree: null, problems, locate: () => null }
}

function composeAll(tokens: readonly CST.Token[], length: number): Document.Parsed[] {
  // Keys are compared in YamlTree, which can say where the first one stands.
  return [...new Composer({ uniqueKeys: false, logLevel: 'silent' }).compose(tokens, true, length)]
}

function syntaxProblem(error: YAMLError, at: (offset: number) => Position): Problem {
  return { path: [], message: error.message, position: at(error.pos[0]) }
}

/**
 * Offset of the first token that is nested too deeply, or null. The parser works without recursion, the composer does
 * not: near the end of its stack even compiling a regular expression aborts the process.
 */
function findTooDeep(tokens: readonly CST.Token[]): number | null {
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next
    if (depth > maxDepth) return token.offset
    if (token.type === 'document' && token.value !== undefined) open.push({ token: token.value, depth })
    if (!('items' in token)) continue
    for (const { key, value } of token.items) {
      if (key) open.push({ token: key, depth: depth + 1 })
      if (value) open.push({ token: value, depth: depth + 1 })
    }
  }
  return null
}
