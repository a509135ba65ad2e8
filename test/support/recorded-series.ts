import { type SeriesAnnouncement, type SeriesRetirement, SeriesWriter } from '../../src/core/series.ts'

/** A writer of series, and what it has told of them. */
export function recordedSeries() {
  const announced: SeriesAnnouncement[] = []
  const retired: SeriesRetirement[] = []
  const writer = new SeriesWriter(
    (series) => announced.push(series),
    (series) => retired.push(series),
  )
  return { writer, announced, retired }
}
