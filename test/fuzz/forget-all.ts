import type { RecordingOrigin } from '../support/recording-origin.ts'

/** A long run keeps nothing of the cases before. */
export function forgetAll(origin: RecordingOrigin): void {
  origin.requests.length = 0
  const standing = origin.connections.filter(({ ending }) => ending === null)
  origin.connections.splice(0, Infinity, ...standing)
  for (const connection of standing) {
    connection.received = ''
    connection.requests.length = 0
  }
}
