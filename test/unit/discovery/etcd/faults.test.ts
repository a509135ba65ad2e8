import { expect, it, onTestFinished } from 'vitest'
import { type ScriptedReply, startScriptedRegistry } from '../../../support/scripted-registry.ts'
import { sourceForTest } from '../../../support/etcd-stage.ts'

const list = { header: { cluster_id: '1', revision: '7' } }
const created = `${JSON.stringify({ result: { header: { revision: '7' }, created: true } })}\n`

const faults: readonly {
  fault: string
  range: ScriptedReply | 'hang'
  stream?: ScriptedReply
  code: string
  message: RegExp
}[] = [
  { fault: 'a web page', range: { body: '<html>hello</html>' }, code: 'unreadable', message: /not JSON; .*etcd 3\.4/ },
  { fault: 'JSON of another shape', range: { body: [] }, code: 'unreadable', message: /not the answer to a range/ },
  {
    fault: 'a page that is not there',
    range: { status: 404, body: 'no' },
    code: 'status',
    message: /404 \(no\).*3\.4/,
  },
  {
    fault: 'a missing leader',
    range: { status: 503, body: { error: 'x', code: 14, message: 'etcdserver: no leader' } },
    code: 'status',
    message: /503 \(etcdserver: no leader\)/,
  },
  {
    fault: 'a user without rights',
    range: { status: 403, body: { error: 'x', code: 7, message: 'etcdserver: permission denied' } },
    code: 'denied',
    message: /`username`.*`read`/,
  },
  {
    fault: 'a connection that breaks in the middle',
    range: { body: list, isCut: true },
    code: 'unreachable',
    message: /can't be reached/,
  },
  { fault: 'silence', range: 'hang', code: 'timeout', message: /did not answer .* in time/ },
  {
    fault: 'a stream that is none',
    range: { body: list },
    stream: { body: '<html>\n' },
    code: 'unreadable',
    message: /not a stream of watch results/,
  },
  {
    fault: 'a stream that ends by itself',
    range: { body: list },
    stream: { body: created },
    code: 'unreachable',
    message: /it ended the stream/,
  },
  {
    fault: 'a stream that is refused',
    range: { body: list },
    stream: {
      body: `${JSON.stringify({ result: { canceled: true, cancel_reason: 'etcdserver: permission denied' } })}\n`,
    },
    code: 'denied',
    message: /permission denied/,
  },
  {
    fault: 'an error in the stream',
    range: { body: list },
    stream: { body: `${created}${JSON.stringify({ error: { grpc_code: 14, message: 'etcdserver: no leader' } })}\n` },
    code: 'status',
    message: /ended its stream \(etcdserver: no leader\)/,
  },
  {
    fault: 'an error in the stream of a later etcd',
    range: { body: list },
    stream: {
      body: `${created}${JSON.stringify({ error: { code: 16, message: 'invalid auth token', details: [] } })}\n`,
    },
    code: 'denied',
    message: /invalid auth token/,
  },
  {
    fault: 'an error that ends the stream without an end of line',
    range: { body: list },
    stream: { body: `${created}${JSON.stringify({ error: { grpc_code: 16, message: 'invalid auth token' } })}` },
    code: 'denied',
    message: /invalid auth token/,
  },
]

it.each(faults)('takes $fault for an error, never for an empty list', async ({ range, stream = {}, code, message }) => {
  const registry = await startScriptedRegistry(({ path }) => (path === '/v3/kv/range' ? range : stream))
  onTestFinished(async () => registry.close())
  // An answer may take longer than silence is waited for.
  const limits = range === 'hang' ? { answerTimeoutMs: 300 } : {}
  const { watch } = sourceForTest({ endpoints: [registry.address] }, limits)
  const error: unknown = await watch('web')
    .until(() => false)
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'DiscoveryError', code, message: expect.stringMatching(message) })
})

it('asks another endpoint after a failure', async () => {
  const registries = await Promise.all(
    [{ status: 503, body: 'no' }, { body: list }].map(async (reply) => startScriptedRegistry(() => reply)),
  )
  onTestFinished(async () => void (await Promise.all(registries.map(async (registry) => registry.close()))))
  const { watch } = sourceForTest({ endpoints: registries.map(({ address }) => address) })
  await expect(watch('web').next()).rejects.toMatchObject({ code: 'status' })
  expect(await watch('web').next()).toMatchObject({ instances: [], position: 7 })
})
