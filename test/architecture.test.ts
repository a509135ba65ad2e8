import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const src = join(root, 'src')

/** Which folders a folder of src may import, besides itself. Files at the top of src are named with their extension. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  util: [],
  routing: ['core', 'util'],
  discovery: ['core', 'util'],
  balance: ['core', 'util'],
  health: ['core', 'util'],
  middleware: ['core', 'util'],
  config: ['core', 'util'],
  proxy: ['core', 'util'],
  registry: ['core', 'util'],
  handover: ['core', 'util'],
  observe: ['core', 'util'],
  admin: ['core', 'util'],
  join: ['core', 'util', 'discovery', 'control', 'balance', 'health', 'proxy', 'workers', 'observe'],
  control: ['core', 'util', 'routing', 'discovery', 'balance', 'health'],
  workers: ['core', 'util', 'routing', 'balance', 'health', 'middleware', 'proxy', 'observe'],
  'gateway.ts': ['*'],
  'gateway-parts.ts': ['*'],
  'start-gateway.ts': ['gateway.ts', 'config', 'observe', 'core', 'handover'],
  'index.ts': ['start-gateway.ts', 'gateway.ts', 'config', 'core', 'registry'],
  'register.ts': ['join'],
  'grpc.ts': ['join'],
  'client.ts': ['join', 'core'],
  demo: ['start-gateway.ts', 'registry', 'config', 'workers'],
  cli: ['start-gateway.ts', 'config', 'handover', 'registry', 'demo', 'control', 'admin', 'core', 'join', 'util'],
  'cli.ts': ['cli'],
}

/** Packages and modules that one place of src keeps to itself. */
const onlyIn: Readonly<Record<string, readonly string[]>> = {
  'node:worker_threads': ['workers'],
  'multicast-dns': ['discovery', 'join'],
  pino: ['observe'],
  'prom-client': ['observe'],
  consul: ['discovery'],
  'dns-packet': ['discovery', 'join'],
  yaml: ['config'],
  'http-proxy': ['proxy'],
  undici: ['join'],
  '@grpc/grpc-js': ['join'],
}

interface Import {
  readonly file: string
  readonly from: string
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const imports: Import[] = sources.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8')
  const specifiers = text.matchAll(
    /^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...specifiers].map((found) => ({ file, from: (found[1] ?? found[2] ?? found[3]) as string }))
})

function areaOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path
}

describe('the import table', () => {
  it('finds imports in every folder it names', () => {
    const areas = new Set(sources.map(areaOf))
    for (const area of areas) expect(Object.keys(mayImport), `src/${area} has no row`).toContain(area)
    expect(imports.length).toBeGreaterThan(300)
  })

  it('holds for every import between folders', () => {
    const broken = imports
      .filter(({ from }) => from.startsWith('.'))
      .map(({ file, from }) => ({ file, to: relative(src, join(src, dirname(file), from)) }))
      .filter(({ file, to }) => {
        const allowed = mayImport[areaOf(file)] ?? []
        return areaOf(file) !== areaOf(to) && !allowed.includes(areaOf(to)) && !allowed.includes('*')
      })
    expect(broken).toEqual([])
  })

  it('keeps packages where they belong', () => {
    const broken = imports.filter(({ file, from }) => {
      const owners = onlyIn[from]
      return owners !== undefined && !owners.includes(areaOf(file))
    })
    expect(broken).toEqual([])
  })
})

describe('the sources', () => {
  it('use no word that the vocabulary gives up', () => {
    const names = sources.filter((file) =>
      /(?:^|[/-])(?:manager|helper|utils|impl|handler|data|info)(?:[.-])/.test(file),
    )
    expect(names.filter((file) => !file.startsWith('workers/data-'))).toEqual([])
  })

  it('are no longer than 400 lines, half of them no longer than 90', () => {
    const lines = sources
      .map((file) => readFileSync(join(src, file), 'utf8').split('\n').length - 1)
      .toSorted((a, b) => a - b)
    expect(lines.at(-1)).toBeLessThanOrEqual(400)
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThanOrEqual(90)
  })
})
