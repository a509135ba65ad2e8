import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError } from '../../../src/config/finding.ts'
import { parseConfig } from '../../../src/config/parse.ts'

const shipped = readFileSync(new URL('../../../config/tidegate.yaml', import.meta.url), 'utf8')

/** The findings, or none; anything but a ConfigError goes on. */
async function findingsOf(text: string, env: Record<string, string> = {}) {
  try {
    await parseConfig(text, { file: 'tidegate.yaml', env })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.findings
    throw error
  }
}

describe('the loader', () => {
  test('never throws anything but a ConfigError, whatever the text', async () => {
    const words =
      'routes: listeners: path: service: a / - ? : &a *a <<: { } [ ] , | > # !!map !x --- ... %YAML " \' ${ $$ @ ` ~ null true'
    const blanks = [
      '\n',
      '  ',
      '\t',
      '\0',
      '\ufeff',
      '\u{1f600}',
      '\n%YAML 1.1\n---\n',
      '1e999',
      '.nan',
      '__proto__',
      'toString',
    ]
    const fragments = fc.constantFrom(' ', ...blanks, ...words.split(' '))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fragments).map((parts) => parts.join('')),
        ),
        async (text) => {
          expect((await findingsOf(text)).every(({ line, message }) => line !== null && message !== '')).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('never throws anything but a ConfigError for a damaged file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(shipped.length),
        fc.nat(40),
        fc.string({ unit: 'binary', maxLength: 10 }),
        async (at, cut, put) => {
          expect(
            (await findingsOf(shipped.slice(0, at) + put + shipped.slice(at + cut))).every(
              ({ line, message }) => line !== null && message !== '',
            ),
          ).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('never throws anything but a ConfigError for values of any kind anywhere', async () => {
    const keys = fc.constantFrom(
      'type',
      'address',
      'services',
      'from',
      'outlier',
      'path',
      'host',
      'headers',
      'methods',
      'retry',
      'x',
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(
          null,
          true,
          0,
          -1,
          1.5,
          '',
          '0',
          '5s',
          '1KiB',
          'consul',
          'static',
          '${X}',
          '/',
          '127.0.0.1:80',
          Infinity,
        ),
        fc.string(),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(keys, fc.string()), tie('any'), { maxKeys: 3 }),
      ),
    })).any
    const top = fc.constantFrom(
      'listeners',
      'admin',
      'workers',
      'log',
      'stateDir',
      'discovery',
      'defaults',
      'services',
      'shutdown',
    )
    await fc.assert(
      fc.asyncProperty(top, value, fc.array(value, { maxLength: 3 }), async (key, one, routes) => {
        expect(
          (await findingsOf(stringify({ [key]: one, routes }), { X: '7' })).every(
            ({ line, message }) => line !== null && message !== '',
          ),
        ).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['lists', '['.repeat(200_000)],
    ['closed lists', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['maps', '{a: '.repeat(50_000)],
    ['list items', '- '.repeat(200_000)],
    ['keys of keys', '? '.repeat(50_000)],
  ])('says that %s are nested too deeply', async (_, text) => {
    expect((await findingsOf(text)).map(({ message }) => message)).toEqual(['nested more than 64 levels deep'])
  })

  test('says that aliases of aliases are too many values', async () => {
    const names = 'abcdefgh'.split('')
    const lines = names.slice(1).map((name, index) => `${name}: &${name} [${`*${names[index]},`.repeat(10)}]`)
    const [finding] = await findingsOf(['a: &a [1,1,1,1,1,1,1,1,1,1]', ...lines].join('\n'))
    expect(finding?.message).toBe('aliases make this more than 1000000 values')
  })

  test('knows no alias inside its own anchor', async () => {
    expect((await findingsOf('routes: &a [*a]'))[0]?.message).toBe('no anchor &a stands before this alias')
  })

  test.each([
    ['', 'this configuration is empty'],
    ['# nothing\n', 'this configuration is empty'],
    ['7', 'expected a map of keys, got a number'],
    ['routes: []\n---\nroutes: []', 'a second YAML document begins here'],
    ['routes: !route []', 'Unresolved tag: !route'],
    ['? [a, b]\n: 1', 'a key has to be text'],
    ['routes: []\n__proto__: { workers: 0 }', 'unknown key'],
    ['%YAML 1.1\n---\nroutes: []\nstateDir: !!binary aGVsbG8=', 'this kind of YAML value has no meaning here'],
  ])('%j is an error: %s', async (text, message) => {
    expect((await findingsOf(text)).map((finding) => finding.message)).toEqual([message])
  })

  test('a key that exists on every object is unknown all the same', async () => {
    const text = 'routes: []\nconstructor: 1\nservices: { toString: { valueOf: 1 } }'
    expect((await findingsOf(text)).map(({ path }) => path)).toEqual(['constructor', 'services.toString.valueOf'])
  })
})
