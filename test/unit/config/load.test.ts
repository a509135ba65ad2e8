import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/config/finding.ts'
import { loadConfig } from '../../../src/config/load.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-load-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
  return file
}

async function findingsOf(file: string): Promise<readonly Finding[]> {
  const error: unknown = await loadConfig(file, { env: {} }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: 'ConfigError' })
  return (error as { findings: readonly Finding[] }).findings
}

describe('loadConfig', () => {
  test('reads YAML and JSON', async () => {
    const yaml = write('a.yaml', 'routes: [{ path: /a, service: a }]')
    const json = write(
      'a.json',
      '\ufeff{\n\t"$schema": "./tidegate.schema.json",\n\t"routes": [{ "path": "/a", "service": "a" }]\n}',
    )
    expect((await loadConfig(json)).config.routes).toMatchObject([{ path: '/a', line: 3 }])
    expect((await loadConfig(yaml)).config.routes).toMatchObject([{ path: '/a', line: 1 }])
  })

  test('takes variables from the environment it is given', async () => {
    const file = write('env.yaml', 'workers: ${WORKERS}\nroutes: []')
    expect((await loadConfig(file, { env: { WORKERS: '3' } })).config.workers).toBe(3)
  })

  test('takes stateDir relative to the file, and names the file as it was named', async () => {
    const file = relative(process.cwd(), write('deep/state.yaml', 'stateDir: ../state\nroutes: []'))
    const loaded = await loadConfig(file)
    expect(loaded.config.stateDir).toBe(join(folder, 'state'))
    expect(loaded.file).toBe(file)
  })

  test('gives frozen plain values that can cross to a thread', async () => {
    const { config } = await loadConfig(write('frozen.yaml', 'routes: [{ path: /a, service: a, methods: [GET] }]'))
    expect(structuredClone(config)).toEqual(config)
    expect(Object.isFrozen(config.routes[0]?.methods)).toBe(true)
    expect(Object.isFrozen(config.services[0]?.outlier)).toBe(true)
  })

  test.each([
    ['is larger than 4 MiB', 'big.yaml', Buffer.alloc(4 * 1024 ** 2 + 1, '#')],
    ["can't be read: it is not UTF-8", 'latin1.yaml', Buffer.from('routes: [] # caf\xe9', 'latin1')],
    ['".toml" files are not understood', 'a.toml', 'routes = []'],
  ])('refuses a file that %s', async (message, name, content) => {
    const file = write(name, content)
    expect(await findingsOf(file)).toMatchObject([{ file, line: null, path: '', message }])
  })

  test('takes a file of exactly 4 MiB', async () => {
    const text = 'routes: []\n#'
    const file = write('full.yaml', text + ' '.repeat(4 * 1024 ** 2 - text.length))
    expect((await loadConfig(file)).config.routes).toEqual([])
  })

  test('refuses a directory', async () => {
    mkdirSync(join(folder, 'folder.yaml'))
    expect(await findingsOf(join(folder, 'folder.yaml'))).toMatchObject([
      { message: "can't be read: it is a directory" },
    ])
  })

  test.each(['missing.yaml', 'missing.ts'])('refuses %s, which is not there', async (name) => {
    expect(await findingsOf(join(folder, name))).toMatchObject([{ message: "can't be read: there is no such file" }])
  })
})

// In a process of its own: the test runner has its own way of importing modules.
describe('a TypeScript configuration', () => {
  const load = fileURLToPath(new URL('../../../src/config/load.ts', import.meta.url))

  /** Runs `script` with `loadConfig`, `file` and `show` (which prints the outcome of one load) in scope. */
  async function run(file: string, script: string): Promise<unknown[]> {
    const lines = [
      `import { writeFileSync } from 'node:fs'`,
      `import { loadConfig } from ${JSON.stringify(load)}`,
      `const file = ${JSON.stringify(file)}`,
      `const show = async (key) => console.log(JSON.stringify(await loadConfig(file).then((loaded) => loaded.config[key], (error) => error.findings)))`,
      script,
    ]
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', lines.join('\n')])
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  }

  test('imports `tidegate` from anywhere, and takes the same shape', async () => {
    const file = write(
      'tidegate.config.ts',
      `import { defineConfig } from 'tidegate'
       import type { ConfigInput } from 'tidegate'
       const routes: ConfigInput['routes'] = ['users', 'orders'].map((name) => ({ path: \`/\${name}\`, service: name }))
       export default defineConfig({ workers: 2, stateDir: undefined, routes })`,
    )
    const [workers, routes] = await run(file, `await show('workers'); await show('routes')`)
    expect(workers).toBe(2)
    expect(routes).toMatchObject([
      { id: '/users', line: null },
      { id: '/orders', line: null },
    ])
  })

  test('runs anew on every load, with the modules beside it', async () => {
    write('fresh/workers.mjs', 'export const workers = 1')
    const file = write('fresh/a.mjs', `import { workers } from './workers.mjs'\nexport default { workers, routes: [] }`)
    const change = `writeFileSync(file.replace('a.mjs', 'workers.mjs'), 'export const workers = 2')`
    expect(await run(file, `await show('workers'); ${change}; await show('workers')`)).toEqual([1, 2])
  })

  test('is told by path what is wrong with it', async () => {
    const file = write(
      'wrong.ts',
      `export default { routes: [{ path: '/', service: 'a', timeuot: '5s' }, { path: 7 }] }`,
    )
    const [findings] = await run(file, `await show('routes')`)
    expect(findings).toMatchObject([
      { line: null, path: 'routes[0].timeuot', hint: 'did you mean "timeout"?' },
      { line: null, path: 'routes[1].path', message: 'expected text, got a number' },
    ])
  })

  test.each([
    [
      'a function',
      'export default { routes: [{ path: "/", service: () => "a" }] }',
      /^functions in a configuration are not built/,
    ],
    ['a value of a class', 'export default { routes: new Map() }', /^only plain objects/],
    [
      'a value within itself',
      'const routes = []; routes.push([routes]); export default { routes }',
      /^a value within itself has no end$/,
    ],
    [
      'endless depth',
      'let routes = 1; for (let i = 0; i < 1e5; i++) routes = [routes]; export default { routes }',
      /^nested more than 64/,
    ],
    ['a bigint', 'export default { workers: 1n, routes: [] }', /^a bigint has no meaning/],
    [
      'a getter that throws',
      'export default { get routes() { throw new Error("oh") } }',
      /^can't be loaded: Error: oh$/,
    ],
    ['no default export', 'export const routes = []', /^has no default export$/],
    ['an error', 'throw new TypeError("not today")', /^can't be loaded: TypeError: not today$/],
    ['broken syntax', 'export default {', /^can't be loaded: SyntaxError: /],
    [
      'a module that is missing',
      'import "./nowhere.mjs"; export default {}',
      /^can't be loaded: Error: Cannot find module/,
    ],
  ])('is refused with %s', async (what, text, message) => {
    const file = write(`${what.replaceAll(' ', '-')}.mjs`, text)
    const [findings] = (await run(file, `await show('routes')`)) as Finding[][]
    expect(findings).toMatchObject([{ file, line: null, message: expect.stringMatching(message) as unknown }])
  })
})
