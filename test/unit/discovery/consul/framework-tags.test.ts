import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { TagReader } from '../../../../src/discovery/consul/framework-tags.ts'

const packed = (kind: string, text: string) => `${kind}-${deflateSync(text).toString('hex')}`
const read = (...tags: string[]) => new TagReader().read(tags)

describe('tags of go-micro', () => {
  it('say the version, packed by Go or by anybody else', () => {
    expect(read('v-789c32d433d03300040000ffff02ce00ee').version).toBe('1.0.0')
    expect(read('v-789cca492c492d2e01040000ffff08cc028e').version).toBe('latest')
    expect(read('v-789c33d433d033000002ce00ee').version).toBe('1.0.0')
  })

  it('say metadata pair by pair', () => {
    const tags = [packed('t', '{"protocol":"grpc"}'), packed('t', '{"zone":"a"}')]
    expect(read(...tags)).toMatchObject({ meta: { protocol: 'grpc', zone: 'a' }, problems: [] })
  })

  it('may be plain, as they were before they were packed', () => {
    const { version, meta } = read('v=1.0.0', 't={"protocol":"http"}', 'e={"name":"Say.Hello"}')
    expect({ version, meta }).toEqual({ version: '1.0.0', meta: { protocol: 'http' } })
  })

  it('count in the form that comes first', () => {
    const older = 't={"protocol":"http","only":"plain"}'
    const newer = packed('t', '{"protocol":"grpc"}')
    expect(read(newer, older).meta).toEqual({ protocol: 'grpc' })
    expect(read(older, newer).meta).toEqual({ protocol: 'http', only: 'plain' })
    expect(read('v=1', packed('v', '2')).version).toBe('1')
    expect(read(packed('v', '2'), 'v=1').version).toBe('2')
  })

  it('are no longer among the tags once they are packed', () => {
    const tags = [packed('v', '1'), packed('e', '{"name":"Say.Hello"}'), 'blue', 'v=1']
    expect(read(...tags).tags).toEqual(['blue', 'v=1'])
  })

  it.each([
    ['cut short', packed('v', '1.0.0').slice(0, -8)],
    ['not hex', 'v-789czz'],
    ['no JSON', packed('t', 'protocol=grpc')],
    ['a list', packed('t', '["grpc"]')],
    ['a pair of something else', packed('t', '{"port":80}')],
    ['plain and broken', 't={"protocol"'],
    ['not UTF-8', `v-${deflateSync(Buffer.from([0xff, 0xfe])).toString('hex')}`],
    ['a bomb', `v-${deflateSync(Buffer.alloc(10_000_000)).toString('hex')}`],
    ['very long', `v-789c${'00'.repeat(100_000)}`],
  ])('that are %s are named, and harm no other', (_, bad) => {
    const reading = read(bad, packed('t', '{"zone":"a"}'), 'blue')
    expect(reading.problems).toEqual([expect.stringMatching(/^its tag "[vt][-=].* can't be read and is left out$/)])
    expect(reading.problems[0]?.length).toBeLessThan(100)
    expect(reading).toMatchObject({ version: null, meta: { zone: 'a' } })
    expect(reading.tags).toContain('blue')
  })
})

describe('tags of others', () => {
  it('are left as they are, whatever they begin with', () => {
    const tags = ['e-commerce', 't-shirts', 'v-next', 'v2', 'e=mc2', 't=5', '']
    expect(read(...tags)).toMatchObject({ tags, version: null, meta: {}, problems: [] })
  })

  it('of Kratos say the version', () => {
    expect(read('version=v1.2.0')).toMatchObject({ tags: ['version=v1.2.0'], version: 'v1.2.0' })
  })
})
