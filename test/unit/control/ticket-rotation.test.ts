import { describe, expect, it } from 'vitest'
import { makeControlPlane } from './control-plane-fixture.ts'

function secretsOf({ control }: ReturnType<typeof makeControlPlane>, threadId: number): string[] {
  const secrets: string[] = []
  control.publisher.addThread(threadId, (message) => {
    if (message.type === 'tickets') secrets.push(Buffer.from(message.secret).toString('hex'))
  })
  return secrets
}

describe('the secret of session tickets', () => {
  it('is the same in all threads, in one that comes later too, and another one every hour', async () => {
    const made = makeControlPlane()
    const first = secretsOf(made, 1)
    const second = secretsOf(made, 2)
    expect(first).toEqual([expect.stringMatching(/^[\da-f]{96}$/)])
    expect(second).toEqual(first)
    await made.clock.advance(3_600_000)
    const late = secretsOf(made, 3)
    expect(first).toHaveLength(2)
    expect(new Set(first).size).toBe(2)
    expect(second).toEqual(first)
    expect(late).toEqual([first[1]])
    await made.control.close()
  })

  it('does not follow the wall clock when that jumps', async () => {
    const made = makeControlPlane()
    const secrets = secretsOf(made, 1)
    made.clock.jump(2 * 3_600_000)
    await made.clock.advance(1_800_000)
    expect(secrets).toHaveLength(1)
    made.clock.jump(-4 * 3_600_000)
    await made.clock.advance(1_800_000)
    expect(secrets).toHaveLength(2)
    await made.control.close()
  })

  it('is replaced no more once the control plane is closed', async () => {
    const made = makeControlPlane()
    const secrets = secretsOf(made, 1)
    await made.control.close()
    await made.clock.advance(3 * 3_600_000)
    expect(secrets).toHaveLength(1)
  })
})
