import type { Agent } from '../agent.ts'
import { ApiError } from '../api-error.ts'
import { refuseUnsupported } from '../blocking-query.ts'
import { decodeCheck, isCheckStatus, type CheckRules } from '../checks/decode.ts'
import { Fields } from '../fields.ts'
import { requireName, type ApiRequest } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import type { CheckStatus, Node } from '../model.ts'
import { checkJson } from './shapes.ts'

const verbs: Readonly<Record<string, CheckStatus>> = { pass: 'passing', warn: 'warning', fail: 'critical' }

/** `agent/checks` and `agent/check/…`. */
export function agentCheckOperations(agent: Agent, node: Node, rules: CheckRules): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/agent/checks',
      takesName: false,
      answer: ({ query }) => {
        refuseUnsupported(query)
        const rows = agent
          .checks()
          .map((check) => [check.id, checkJson(node, check, agent.service(check.serviceId)?.tags ?? [])] as const)
        return { json: Object.fromEntries(rows) }
      },
    },
    {
      method: 'PUT',
      path: '/v1/agent/check/register',
      takesName: false,
      answer: async ({ body }) => {
        const fields = new Fields(await body())
        const serviceId = fields.string('ServiceID')
        const definition = decodeCheck(fields, 'ID', rules)
        if (!definition.name) throw new ApiError(400, 'Missing check name')
        agent.registerCheck(definition, serviceId)
        return {}
      },
    },
    {
      method: 'PUT',
      path: '/v1/agent/check/deregister',
      takesName: true,
      answer: (request) => {
        agent.deregisterCheck(requireCheckId(request))
        return {}
      },
    },
    ...Object.entries(verbs).map(([verb, status]): Operation => ({
      method: 'PUT',
      path: `/v1/agent/check/${verb}`,
      takesName: true,
      answer: (request) => {
        agent.updateCheck(requireCheckId(request), status, request.query.get('note') ?? '')
        return {}
      },
    })),
    {
      method: 'PUT',
      path: '/v1/agent/check/update',
      takesName: true,
      answer: async (request) => {
        const fields = new Fields(await request.body())
        const status = fields.string('Status')
        const output = fields.string('Output')
        fields.refuseUnknown()
        if (!isCheckStatus(status)) throw new ApiError(400, `Invalid check status: '${status}'`)
        agent.updateCheck(requireCheckId(request), status, output)
        return {}
      },
    },
  ]
}

function requireCheckId(request: ApiRequest): string {
  return requireName(request, 'Missing check ID')
}
