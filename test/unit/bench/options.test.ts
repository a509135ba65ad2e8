import { describe, expect, it } from 'vitest'
import { cases } from '../../../bench/macro/cases.ts'
import { competitorNames } from '../../../bench/macro/competitors/index.ts'
import { parseOptions, UsageError } from '../../../bench/macro/options.ts'

describe('options of the bench', () => {
  it('are five rounds of small JSON for everyone when none is given', () => {
    const options = parseOptions([])
    expect(options).toMatchObject({ cases: ['json'], rounds: 5, seconds: 4, writesReadme: false, profiles: false })
    expect(options.competitors).toContain('@fastify/http-proxy')
  })

  it('select cases by name, by family, or all of them', () => {
    expect(parseOptions(['--case', 'close,connections,close']).cases).toEqual([
      'close',
      'connections-1',
      'connections-512',
    ])
    expect(parseOptions(['--case', 'all']).cases).toEqual(Object.keys(cases))
    expect(parseOptions(['--case', 'tls']).cases).toEqual(['tls'])
    expect(parseOptions(['--case', 'tls-handshake']).cases).toEqual(['tls-handshake-ecdsa', 'tls-handshake-rsa'])
  })

  it('select competitors in the order in which they are measured', () => {
    expect(parseOptions(['--only', 'nginx,tidegate']).competitors).toEqual(['tidegate', 'nginx'])
  })

  it.each([
    ['an unknown case', ['--case', 'json,jsno'], 'no case "jsno"'],
    ['an unknown competitor', ['--only', 'apache'], 'no competitor "apache"'],
    ['no round', ['--rounds', '0'], '--rounds takes a whole number'],
    ['to publish figures of another checkout', ['--against', '../old', '--write'], 'this checkout only'],
    ['half a second', ['--seconds', '0.5'], '--seconds takes a whole number'],
    ['an unknown option', ['--case', 'json', '--fast'], "'--fast'"],
  ])('refuse %s and say so', (_, args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
    expect(() => parseOptions(args)).toThrow(message)
  })
})

describe('the cases', () => {
  it.each(Object.entries(cases))('name competitors that there are, nginx among them: %s', (_, { competitors }) => {
    expect(competitorNames).toEqual(expect.arrayContaining([...competitors]))
    expect(competitors).toContain('nginx')
  })
})
