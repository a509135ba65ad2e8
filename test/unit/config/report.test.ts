import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, formatPath } from '../../../src/config/finding.ts'
import { checkFile, reportFindings } from '../../../src/config/report.ts'

describe('checking a file', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidegate-report-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('says what a valid file holds, and answers 0', async () => {
    const file = join(folder, 'good.yaml')
    writeFileSync(file, 'routes: [{ path: /a, service: a }, { path: /b, service: a }]')
    expect(await checkFile(file)).toEqual({
      exitCode: 0,
      text: `${file}: valid (1 listener, 2 routes, 1 service, 1 source)`,
    })
  })

  test('lists what is wrong with another, and answers 1', async () => {
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, 'routes: []\nworkrs: 1\n')
    expect(await checkFile(file)).toEqual({
      exitCode: 1,
      text: `${file}:2:1 workrs: unknown key; did you mean "workers"?\n1 finding`,
    })
  })

  test('warns of what need not be wrong, and answers 0', async () => {
    const file = join(folder, 'warned.yaml')
    writeFileSync(file, 'services: { a: { tls: { verify: false } } }\nroutes: []')
    const { exitCode, text } = await checkFile(file)
    expect(exitCode).toBe(0)
    expect(text.split('\n')).toEqual([
      expect.stringMatching(
        /^warning: .*:1:33 services\.a\.tls\.verify: certificates of endpoints are not verified/,
      ) as string,
      `${file}: valid (1 listener, 0 routes, 1 service, 1 source)`,
    ])
  })

  test('names a file that is not there', async () => {
    const file = join(folder, 'missing.yaml')
    expect(await checkFile(file)).toEqual({
      exitCode: 1,
      text: `${file}: can't be read: there is no such file\n1 finding`,
    })
  })
})

describe('findings as text', () => {
  const finding = { file: 'a.ts', line: null, column: null, path: 'routes[0]', message: 'is required' }

  test('have no line where the file has no positions', () => {
    expect(reportFindings([finding])).toBe('a.ts routes[0]: is required\n1 finding')
  })

  test('stop after fifty', () => {
    const lines = reportFindings(Array.from({ length: 60 }, () => finding)).split('\n')
    expect(lines).toHaveLength(52)
    expect(lines.slice(-2)).toEqual(['… and 10 more', '60 findings'])
  })

  test('are the message of the error', () => {
    expect(new ConfigError([finding, finding]).message).toBe('a.ts routes[0]: is required\na.ts routes[0]: is required')
  })

  test('quote keys that would read ambiguously', () => {
    expect(formatPath(['services', 'a.b', 'outlier'])).toBe('services["a.b"].outlier')
    expect(formatPath(['routes', 0, 'headers', 'x-beta'])).toBe('routes[0].headers.x-beta')
  })
})
