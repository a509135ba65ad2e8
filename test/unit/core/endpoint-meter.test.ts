import { expect, it } from 'vitest'
import { EndpointMeter } from '../../../src/core/meter.ts'
import { recordedSeries } from '../../support/recorded-series.ts'

function makeMeter() {
  const { writer, announced, retired } = recordedSeries()
  const outcomes = () => announced.map(({ labels }) => labels['outcome'])
  return { meter: new EndpointMeter(writer, 'users', 'a'), outcomes, retired }
}

it('an endpoint has a series of each outcome from its first one on, and hands over their values when it ends', () => {
  const { meter, retired, outcomes } = makeMeter()
  expect(outcomes()).toEqual([])
  for (const status of [200, 204, 503]) meter.answered(status)
  meter.failed('head-timeout')
  expect(outcomes()).toEqual(['2xx', '5xx', 'head-timeout'])
  meter.retire()
  expect(retired.map(({ values }) => values)).toEqual([[2], [1], [1]])
})

it('what ends after its endpoint has ended is not counted', () => {
  const { meter, outcomes, retired } = makeMeter()
  meter.retire()
  meter.answered(200)
  meter.failed('head-timeout')
  meter.retire()
  expect([outcomes(), retired]).toEqual([[], []])
})
