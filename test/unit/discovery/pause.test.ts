import { describe, expect, it } from 'vitest'
import { pause } from '../../../src/discovery/pause.ts'

describe('a pause', () => {
  it('ends at once when its signal aborts', async () => {
    const stop = new AbortController()
    const paused = pause(3_600_000, stop.signal)
    stop.abort()
    await expect(paused).resolves.toBeUndefined()
  })
})
