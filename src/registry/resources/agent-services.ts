import { createHash } from 'node:crypto'
import type { Agent } from '../agent.ts'
import { ApiError } from '../api-error.ts'
import { readWaitMs, refuseUnsupported } from '../blocking-query.ts'
import { untilCommitted } from '../blocking.ts'
import type { Catalog } from '../catalog.ts'
import type { CheckRules } from '../checks/decode.ts'
import { readFlag, requireName, type ApiAnswer, type ApiRequest } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import type { Service } from '../model.ts'
import { decodeService } from '../service-definition.ts'
import { agentServiceJson } from './shapes.ts'
import { readSwitch } from './switch.ts'

/** `agent/services` and `agent/service/…`: what services call to come, to pause and to go. */
export function agentServiceOperations(agent: Agent, catalog: Catalog, rules: CheckRules): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/agent/services',
      takesName: false,
      answer: ({ query }) => {
        refuseUnsupported(query)
        return { json: Object.fromEntries(agent.services().map((service) => [service.id, agentServiceJson(service)])) }
      },
    },
    {
      method: 'GET',
      path: '/v1/agent/service',
      takesName: true,
      answer: async (request) => answerService(agent, catalog, request),
    },
    {
      method: 'PUT',
      path: '/v1/agent/service/register',
      takesName: false,
      answer: async ({ query, body }) => {
        const replaces = readFlag(query, 'replace-existing-checks', 'Invalid value for ?replace-existing-checks')
        const { service, checks } = decodeService(await body(), rules)
        agent.registerService(service, checks, replaces ?? false)
        return {}
      },
    },
    {
      method: 'PUT',
      path: '/v1/agent/service/deregister',
      takesName: true,
      answer: (request) => {
        agent.deregisterService(requireName(request, 'Missing service ID'))
        return {}
      },
    },
    {
      method: 'PUT',
      path: '/v1/agent/service/maintenance',
      takesName: true,
      answer: (request) => {
        const id = requireName(request, 'Missing service ID')
        agent.setServiceMaintenance(id, readSwitch(request.query), request.query.get('reason') ?? '')
        return {}
      },
    },
  ]
}

/** One service. With `?hash=` the answer waits until the service's content has another hash, which is how Consul lets clients watch here. */
async function answerService(agent: Agent, catalog: Catalog, request: ApiRequest): Promise<ApiAnswer> {
  const id = requireName(request, 'Missing service ID')
  const seen = request.query.get('hash')
  const current = () => {
    const service = agent.service(id)
    return service ? contentHash(service) : ''
  }
  if (seen === current()) {
    await untilCommitted(catalog, () => current() !== seen, {
      waitMs: readWaitMs(request.query),
      signal: request.signal,
    })
  }
  const service = agent.service(id)
  if (!service) throw new ApiError(404, `unknown service ID: ${id}`)
  const hash = contentHash(service)
  return { json: { ...agentServiceJson(service), ContentHash: hash }, headers: { 'x-consul-contenthash': hash } }
}

function contentHash(service: Service): string {
  return createHash('sha256').update(JSON.stringify(service)).digest('hex').slice(0, 16)
}
