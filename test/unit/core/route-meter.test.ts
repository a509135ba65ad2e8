import { expect, it } from 'vitest'
import { RouteMeter } from '../../../src/core/meter.ts'
import { recordedSeries } from '../../support/recorded-series.ts'

function makeMeter() {
  const { writer, announced, retired } = recordedSeries()
  const families = () => announced.map(({ family }) => family)
  return { meter: new RouteMeter(writer, 'edge', 'users'), families, retired }
}

it('a route has no series before its first request', () => {
  const { meter, families } = makeMeter()
  expect(families()).toEqual([])
  meter.settled('GET', 200, 0.001)
  meter.settled('GET', 200, 0.002)
  expect(families()).toEqual(['tidegate_requests_total', 'tidegate_request_duration_seconds'])
})

it('a request that ends after its route makes no series', () => {
  const { meter, families, retired } = makeMeter()
  meter.retire()
  meter.settled('GET', 200, 0.001)
  expect([families(), retired]).toEqual([[], []])
})
