import { describe, expect, it } from 'vitest'
import { advertisedBy, withTag } from '../../../src/control/advertised.ts'
import { instance } from './scripted-watch.ts'

const tagged = (id: string, ...tags: string[]) => instance(id, { tags })
const read = (...instances: ReturnType<typeof tagged>[]) => advertisedBy(instances, 'route-')
const routesOf = (...instances: ReturnType<typeof tagged>[]) =>
  read(...instances).routes.map(({ place, isOnAll, hasShares }) => ({ place, isOnAll, hasShares }))

const many = (count: number, from = 0, options = '') =>
  Array.from({ length: count }, (_, index) => `route-/${from + index}${options}`)

const weights = (...instances: ReturnType<typeof tagged>[]) =>
  withTag(instances, { prefix: 'route-', place: '/x' }).map(({ id, weight }) => [id, weight])

describe('the tags of instances', () => {
  it('are a route by host and path, on all of them or on some', () => {
    expect(routesOf(tagged('a-1', 'route-/x', 'blue', 'route-h.com/'), tagged('b-2', 'route-/x'))).toEqual([
      { place: '/x', isOnAll: true, hasShares: false },
      { place: 'h.com/', isOnAll: false, hasShares: false },
    ])
    expect(routesOf(tagged('a-1', 'route-/x'), tagged('b-2'))).toMatchObject([{ isOnAll: false }])
    expect(routesOf(tagged('a-1'))).toEqual([])
  })

  it('are one route in other words, and by other shares', () => {
    const [first, second] = [
      tagged('a-1', 'route-H.com/x strip=/x'),
      tagged('b-2', 'route-h.com/x  strip=/x/ weight=0.1'),
    ]
    expect(routesOf(first, second)).toEqual([{ place: 'h.com/x', isOnAll: true, hasShares: true }])
  })

  it('that are no routes are refused alone', () => {
    const { routes, refused } = read(tagged('a-1', 'route-/x', 'route-/y auth=z'), tagged('b-2', 'route-'))
    expect(routes.map(({ place }) => place)).toEqual(['/x'])
    expect([...refused.keys()]).toEqual(['route-/y auth=z', 'route-'])
  })

  it('are the route that most instances have, where they disagree', () => {
    const { routes, refused } = read(
      tagged('a-1', 'route-/x'),
      tagged('b-2', 'route-/x strip=/x'),
      tagged('c-3', 'route-/x'),
    )
    expect(routes).toMatchObject([{ tag: 'route-/x', stripPrefix: false, isOnAll: false }])
    expect([...refused]).toEqual([['route-/x strip=/x', 'more instances have route-/x']])
  })

  it('count once where an instance says a place twice', () => {
    const { routes, refused } = read(tagged('a-1', 'route-/x', 'route-/x strip=/x'))
    expect(routes).toMatchObject([{ stripPrefix: false, isOnAll: true }])
    expect(refused.get('route-/x strip=/x')).toMatch(/^another tag of the same instance/)
  })
})

describe('too many tags', () => {
  it('are read up to a limit of each instance, and the first that is not is named', () => {
    const { routes, refused } = read(tagged('a-1', 'blue', ...many(100_000)), tagged('b-2', 'route-/x'))
    expect(routes).toHaveLength(256)
    expect(refused.get('route-/256')).toBe('of an instance 256 such tags are read, and none from here on')
    expect(refused.size).toBe(2)
  })

  it('of many instances are the routes that most of them have', () => {
    const odd = Array.from({ length: 10 }, (_, index) => tagged(`odd-${index}`, ...many(200, 1000 * (index + 1))))
    const { routes, refused } = read(...odd, tagged('a-1', ...many(200)), tagged('b-2', ...many(200)))
    expect(routes).toHaveLength(256)
    const places = new Set(routes.map(({ place }) => place))
    expect(many(200).filter((tag) => !places.has(tag.slice('route-'.length)))).toEqual([])
    expect(refused.size).toBe(100)
    expect(new Set(refused.values())).toEqual(
      new Set(['a service has 256 routes at most, those that more instances have before others']),
    )
  })

  it('that are no routes are named up to a limit', () => {
    const bad = Array.from({ length: 10 }, (_, index) => tagged(`a-${index}`, ...many(200, 1000 * index, ' auth=x')))
    expect(read(...bad).refused.size).toBe(100)
  })
})

describe('the instances of a route', () => {
  it('are those with its tag, as they weigh', () => {
    expect(weights(tagged('a-1', 'route-/x'), tagged('b-2', 'route-/y'), tagged('c-3', 'route-/x strip=/x'))).toEqual([
      ['a-1', 1],
    ])
  })

  it('divide what nobody asks for', () => {
    const [a, b, c] = [tagged('a-1', 'route-/x weight=0.2'), tagged('b-2', 'route-/x'), tagged('c-3', 'route-/x')]
    expect(weights(a, b, c)).toEqual([
      ['a-1', 2000],
      ['b-2', 4000],
      ['c-3', 4000],
    ])
  })

  it('that ask for nothing get nothing where all is taken', () => {
    expect(weights(tagged('a-1', 'route-/x weight=1'), tagged('b-2', 'route-/x'))).toEqual([
      ['a-1', 10_000],
      ['b-2', 0],
    ])
  })

  it('do not lose traffic to those that may not serve', () => {
    const gone = { ...tagged('b-2', 'route-/x weight=0.9'), status: 'critical' as const }
    expect(weights(tagged('a-1', 'route-/x'), gone)).toEqual([
      ['a-1', 10_000],
      ['b-2', 9000],
    ])
  })
})
