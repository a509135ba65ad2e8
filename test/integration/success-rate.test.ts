import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { startInstances } from '../support/instance.ts'
import { Traffic } from '../support/traffic.ts'

describe('a gateway that compares success rates', () => {
  it.each([0, 2])('ejects the instance that fails, and says why everywhere (%i workers)', async (workers) => {
    const instances = await startInstances('rated', 5)
    const gateway = await startTestGateway({
      config: {
        workers,
        discovery: {
          fixed: { type: 'static', services: { rated: instances.map(({ port }) => `127.0.0.1:${port}`) } },
        },
        services: {
          rated: {
            outlier: {
              consecutiveFailures: 1_000_000,
              baseEjection: '5m',
              // A hundred requests in an interval are enough.
              successRate: { interval: '1s', minRequests: 20 },
            },
          },
        },
        routes: [{ path: '/', service: 'rated' }],
      },
    })
    onTestFinished(async () => {
      await gateway.close()
      await Promise.all(instances.map((instance) => instance.close()))
    })
    const [failing] = instances
    failing.mode = 'error'
    const traffic = new Traffic(gateway.port(), '/', 8)
    const [ejected] = await gateway.log.until('an ejection', async () => {
      const decisions = await gateway.timeline('ejected')
      return decisions.length > 0 && decisions
    })
    await traffic.more(100)
    const before = failing.requests
    await traffic.more(200)
    expect(failing.requests).toBe(before)
    await traffic.stop()

    expect(ejected?.endpoint).toContain(`:${failing.port}`)
    expect(ejected?.cause).toMatch(/^0\.0 % of \d+ requests in 1 s succeeded; the mean of 5 endpoints is 80\.0 %$/)
    const view = gateway.endpoints('rated').find(({ address }) => address.endsWith(`:${failing.port}`))
    expect(view).toMatchObject({ state: 'ejected', reason: 'it fails more often than the others' })
    const { text } = await gateway.admin('/metrics')
    expect(text).toMatch(/^tidegate_ejections_total\{.*reason="success-rate".*\} 1$/m)
  })
})
