import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConsulLimits } from '../../src/discovery/consul/options.ts'
import { consul } from '../../src/discovery/consul/source.ts'
import type { SkippedEntry } from '../../src/discovery/contract.ts'
import { seededRandom } from '../../src/util/random.ts'
import { consulOptions, loopbackCertificate, readings, trustingTls } from '../support/consul-discovery.ts'
import { serviceRow, startScriptedRegistry, type Script, type ScriptedReply } from '../support/scripted-registry.ts'
import { watch, type Watching } from '../support/watching.ts'

const healthPath = '/v1/health/service/web'
interface Reading {
  readonly limits: ConsulLimits
  readonly isSecure: boolean
}

/** For silence alone: an answer may take longer than that on a busy machine. */
const shortMs = 300

/** A watch of `web` on a registry that follows the script. */
async function start({ limits, isSecure }: Reading, script: Script, answerTimeoutMs = limits.answerTimeoutMs) {
  const registry = await startScriptedRegistry(script, isSecure ? loopbackCertificate : undefined)
  const skipped: SkippedEntry[] = []
  const { address } = registry
  const discovery = consul(
    consulOptions({ address, token: 'secret', datacenter: 'dc1', tls: isSecure ? trustingTls : null }),
    { random: seededRandom(1), onSkipped: (entry) => skipped.push(entry) },
    { ...limits, answerTimeoutMs },
  )
  const watching: Watching = watch(discovery, 'web')
  onTestFinished(async () => {
    await discovery.close()
    await registry.close()
  })
  return { registry, discovery, watching, skipped }
}

/** Answers at once with what `web` reads as now; blocking queries hang. */
function standing(reply: ScriptedReply): Script {
  return ({ path, index }) => {
    if (index !== null) return 'hang'
    if (path === '/v1/catalog/services') return { body: { web: [] } }
    return path === healthPath ? reply : {}
  }
}

const faults: readonly { fault: string; reply: ScriptedReply | 'hang'; code: string; message: RegExp }[] = [
  {
    fault: 'a missing leader',
    reply: { status: 500, body: 'No cluster leader', headers: { 'content-type': 'text/plain' } },
    code: 'status',
    message: /answered 500 \(No cluster leader\) to http.*health\/service\/web; .*leader/,
  },
  {
    fault: 'a refusal for too many requests',
    reply: { status: 429, body: 'Your IP is issuing too many concurrent connections' },
    code: 'status',
    message: /answered 429 .*http_max_conns_per_client/,
  },
  {
    fault: 'a page that is not there',
    reply: { status: 404, body: '<html>' },
    code: 'status',
    message: /address is that of Consul/,
  },
  {
    fault: 'a token without rights',
    reply: { status: 403, body: 'Permission denied' },
    code: 'denied',
    message: /service:read and node:read/,
  },
  {
    fault: 'a list that ACLs have shortened',
    reply: { body: [serviceRow({ id: 'web-1' })], headers: { 'x-consul-results-filtered-by-acls': 'true' } },
    code: 'denied',
    message: /service:read and node:read/,
  },
  { fault: 'JSON that stops short', reply: { body: '[{"Node":{' }, code: 'unreadable', message: /can't be read/ },
  {
    fault: 'a web page',
    reply: { body: '<html>hello</html>', headers: { 'content-type': 'text/html' } },
    code: 'unreadable',
    message: /not a JSON list/,
  },
  { fault: 'JSON of another shape', reply: { body: { web: [] } }, code: 'unreadable', message: /not a JSON list/ },
  { fault: 'an empty body', reply: { body: '' }, code: 'unreadable', message: /not a JSON list/ },
  { fault: 'an answer without an index', reply: { index: null }, code: 'unreadable', message: /no X-Consul-Index/ },
  {
    fault: 'a connection that breaks in the middle',
    reply: { body: [serviceRow({ id: 'web-1' })], isCut: true },
    code: 'unreachable',
    message: /can't be reached .*check that the agent runs/,
  },
  { fault: 'silence', reply: 'hang', code: 'timeout', message: /did not answer .* in time/ },
]

describe.each(readings)('consul with $mode', (reading) => {
  it.each(faults)('takes $fault for an error, never for an empty list', async ({ reply, code, message }) => {
    const script: Script = (request, count) =>
      reply === 'hang' && request.path === healthPath ? 'hang' : standing(reply as ScriptedReply)(request, count)
    const { watching } = await start(reading, script, reply === 'hang' ? shortMs : undefined)
    const error: unknown = await watching.next().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'DiscoveryError', code, message: expect.stringMatching(message) })
  })

  it('sends the token as a header, never in a URL, and asks any server of the datacenter', async () => {
    const { registry, watching } = await start(reading, standing({ body: [serviceRow({ id: 'web-1' })] }))
    await watching.next()
    for (const { headers, query } of registry.requests) {
      expect(headers['x-consul-token']).toBe('secret')
      expect([...query.values()]).not.toContain('secret')
      expect(query.get('dc')).toBe('dc1')
      expect(query.has('stale')).toBe(true)
    }
  })

  it('leaves out and reports what can not be an instance, once, and keeps its neighbours', async () => {
    const rows = [
      serviceRow({ id: 'web-0', service: { Port: 0 } }),
      serviceRow({ id: 'web-1' }),
      serviceRow({ id: 'web-2', service: { Port: 70000 } }),
      serviceRow({ id: 'web-3', node: { Address: '' }, service: { Address: '' } }),
      serviceRow({ id: 'web-4', service: { Address: '10.0.0.1\r\nx: y' } }),
      'nonsense',
    ]
    const { watching, skipped } = await start(reading, standing({ body: rows }))
    expect((await watching.next())?.instances.map(({ id }) => id)).toEqual(['web-1'])
    expect(skipped.map(({ service, entry }) => `${service} ${entry}`)).toEqual([
      'web n1/web-0',
      'web n1/web-2',
      'web n1/web-3',
      'web n1/web-4',
      'web row 6',
    ])
    expect(skipped[3]?.reason).toBe(String.raw`"10.0.0.1\r\nx: y" is neither an address nor a host name`)
  })

  it('aborts a query that hangs', async () => {
    const { registry, watching } = await start(reading, ({ path }) => (path === healthPath ? 'hang' : {}))
    const end = watching.next()
    await registry.nextRequest()
    await watching.stop()
    expect(await end).toBeNull()
  })
})
