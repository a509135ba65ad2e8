import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readRequestHead } from '../../../bench/micro/request-head.ts'
import { readResponseHead } from '../../../bench/micro/response-head.ts'
import { headAt, requestHeads, responseHeads } from '../../../bench/micro/heads.ts'
import { measuringFlags, type Measurement, typicalGrowth } from '../../../bench/micro/measure.ts'
import { RequestReader } from '../../../src/proxy/h1/request-reader.ts'
import { ResponseReader } from '../../../src/proxy/h1/response-reader.ts'

const micro = new URL('../../../bench/micro/', import.meta.url)

/** Measures `run`, an expression, in a process of its own, as the bench does. */
async function measured(run: string): Promise<Measurement> {
  const code = `import { measure } from ${JSON.stringify(new URL('measure.ts', micro).href)}
    import { knownAllocation } from ${JSON.stringify(new URL('known.ts', micro).href)}
    let kept = null
    console.log(JSON.stringify(measure({ name: 'test', run: ${run} })))`
  // Until its compiler has seen to them, V8 puts a note of two words behind each array literal: in a thread of its own that is now and
  // then in the middle of the rounds.
  const args = [...measuringFlags, '--no-concurrent-recompilation', '--input-type=module', '-e', code]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Measurement
}

describe('allocated bytes per operation', () => {
  it('are 48 for an object of three numbers: three words of header, a word a field', async () => {
    expect((await measured('knownAllocation.run')).bytesPerOp).toBeCloseTo(48, 0)
  })

  it('are those of all objects of an operation together', async () => {
    const twoArrays = '(n) => { for (let i = 0; i < n; i++) kept = [[i, i], [i, i, i, i]]; return kept.length }'
    // An array is four words, its elements two words of header and a word each: 64 + 80, and 64 for the pair of them.
    expect((await measured(twoArrays)).bytesPerOp).toBeCloseTo(208, 0)
  })

  it('are none where nothing is allocated', async () => {
    const sum = '(n) => { let sum = 0; for (let i = 0; i < n; i++) sum = (sum + i) | 0; return sum }'
    expect((await measured(sum)).bytesPerOp).toBeCloseTo(0, 0)
  })
})

describe('growth of the heap in a round', () => {
  const quiet = Array.from({ length: 20 }, () => 272)

  it('is told in spite of rounds in which the compiler allocated', () => {
    expect(typicalGrowth([3392, 3392, 3624, 3520, ...quiet])).toBe(272)
  })

  it('is told in spite of rounds in which memory was given back', () => {
    expect(typicalGrowth([-468_576, ...quiet.map((bytes) => bytes + 4_800_000), 4_331_424])).toBe(4_800_272)
  })

  it('is not told by the few rounds that were left alone', () => {
    expect(typicalGrowth([272, 272, 272, ...quiet.map(() => Number.NaN)])).toBeNull()
    expect(typicalGrowth([272, 272, 272, ...quiet.map(() => -468_576)])).toBeNull()
  })
})

describe('heads that are parsed', () => {
  it.each(requestHeads)('have the fields their name says: $name', ({ name, heads }) => {
    const counts = new Set(heads.map((bytes) => readRequestHead(bytes, new RequestReader())))
    expect([...counts]).toEqual([fieldsIn(name)])
  })

  it.each(responseHeads)('have the fields their name says: $name', ({ name, heads }) => {
    const counts = new Set(heads.map((bytes) => readResponseHead(bytes, new ResponseReader())))
    expect([...counts]).toEqual([fieldsIn(name)])
  })

  it.each([...requestHeads, ...responseHeads])('are as different as their name says: $name', ({ name, heads }) => {
    const different = new Set(heads.map((bytes) => bytes.toString('latin1'))).size
    expect(different).toBe(name.endsWith('varied') ? heads.length : 1)
    expect(headAt(heads, heads.length + 3)).toBe(heads[3])
  })
})

function fieldsIn(name: string): number {
  return Number(/(\d+) fields?/.exec(name)?.[1])
}
