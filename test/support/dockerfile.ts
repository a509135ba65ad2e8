import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../../', import.meta.url).pathname

export interface Dockerfile {
  /** Images of its stages that are not stages themselves. */
  readonly images: readonly string[]
  /** What it copies from the build context, in order. */
  readonly copied: readonly string[]
  /** Those of `copied` that are not there, or that its ignore file keeps from the build. */
  readonly missing: readonly string[]
  /** What its entry point gives to Node before the program. */
  readonly nodeFlags: readonly string[]
}

/** A Dockerfile of this checkout whose build context is the checkout's root. @param path from there */
export function readDockerfile(path: string): Dockerfile {
  const lines = readFileSync(join(root, path), 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const stages = new Set<string>()
  const images: string[] = []
  for (const [instruction, image = '', as, name = ''] of lines) {
    if (instruction !== 'FROM') continue
    if (!stages.has(image)) images.push(image)
    if (as?.toUpperCase() === 'AS') stages.add(name)
  }
  const copied = lines
    .filter(([instruction, ...words]) => instruction === 'COPY' && !words.some((word) => word.startsWith('--from')))
    .flatMap(([, ...words]) => words.filter((word) => !word.startsWith('--')).slice(0, -1))
    .map((source) => source.replace(/^\.\//, ''))
  const missing = copied.filter((source) => !isSent(source, ignoreFileOf(path)))
  return { images, copied, missing, nodeFlags: nodeFlagsOf(lines.findLast(([name]) => name === 'ENTRYPOINT') ?? []) }
}

function nodeFlagsOf([, ...words]: readonly string[]): readonly string[] {
  if (words.length === 0) return []
  const [program, ...args] = JSON.parse(words.join(' ')) as string[]
  return program === 'node' ? args.filter((arg) => arg.startsWith('--')) : []
}

/** BuildKit prefers the ignore file that is named after the Dockerfile. */
function ignoreFileOf(path: string): string {
  const own = `${path}.dockerignore`
  return existsSync(join(root, own)) ? own : '.dockerignore'
}

/** The ignore files here leave everything out but what their `!` lines name. */
function isSent(source: string, ignoreFile: string): boolean {
  const lines = readFileSync(join(root, ignoreFile), 'utf8').split('\n')
  if (!lines.includes('*')) throw new Error(`${ignoreFile} does not begin by leaving everything out`)
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  return existsSync(join(root, source)) && kept.some((path) => source === path || source.startsWith(`${path}/`))
}
