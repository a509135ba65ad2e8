import { describe, expect, it, onTestFinished } from 'vitest'
import { CommandProcess, runCommand } from '../../support/cli.ts'

describe('tidegate demo', () => {
  it('sends requests through every instance once, says what came back and exits 0', async () => {
    const { exitCode, stdout, stderr } = await runCommand('demo', '--once')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain('12 × GET /api/users/1 → user-service-1: 4, user-service-2: 4, user-service-3: 4\n')
    expect(stdout).toContain('12 × GET /api/orders/7 → order-service-1: 6, order-service-2: 6\n')
  })

  it('takes the next free ports, serves through chaos without a failed request, and ends on SIGINT', async () => {
    const demo = new CommandProcess('demo', '--chaos')
    onTestFinished(() => void demo.child.kill('SIGKILL'))
    await demo.says('Ctrl-C ends it.')
    const beside = await runCommand('demo', '--once')
    expect(beside.exitCode).toBe(0)
    await demo.says('is back')
    demo.child.kill('SIGINT')
    const { exitCode, stdout, stderr } = await demo.ended()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const failed = [...stdout.matchAll(/ {2}failed: (\d+)$/gm)].map(([, count]) => Number(count))
    expect(failed.length).toBeGreaterThan(0)
    expect(Math.max(...failed)).toBe(0)
  })
})
