import type { Agent } from '../agent.ts'
import { refuseUnsupported } from '../blocking-query.ts'
import { requireName } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import type { Check, CheckStatus, Node, Service } from '../model.ts'
import { agentServiceJson, checkJson } from './shapes.ts'

type Health = CheckStatus | 'maintenance'

/** How these resources say it, for load balancers that read no body. */
const statusOf: Readonly<Record<Health, number>> = { passing: 200, warning: 429, critical: 503, maintenance: 503 }
const badness: readonly Health[] = ['passing', 'warning', 'critical', 'maintenance']

/** `agent/health/service/…`: this agent's word on a service, by id or by name. */
export function agentHealthOperations(agent: Agent, node: Node): Operation[] {
  const row = (service: Service) => {
    const checks = agent.checks().filter(({ serviceId }) => serviceId === service.id || serviceId === '')
    return {
      health: worst(checks),
      json: {
        AggregatedStatus: worst(checks),
        Service: agentServiceJson(service),
        Checks: checks.map((check) => checkJson(node, check, check.serviceId === '' ? [] : service.tags)),
      },
    }
  }
  return [
    {
      method: 'GET',
      path: '/v1/agent/health/service/id',
      takesName: true,
      answer: (request) => {
        refuseUnsupported(request.query)
        const service = agent.service(requireName(request, 'Missing serviceID'))
        if (service === undefined) return { status: 404, json: none('critical') }
        const { health, json } = row(service)
        return { status: statusOf[health], json }
      },
    },
    {
      method: 'GET',
      path: '/v1/agent/health/service/name',
      takesName: true,
      answer: (request) => {
        refuseUnsupported(request.query)
        const name = requireName(request, 'Missing service Name')
        const rows = agent
          .services()
          .filter((service) => service.name === name)
          .map(row)
        if (rows.length === 0) return { status: 404, json: [] }
        const all = badness.findLast((health) => rows.some((one) => one.health === health)) ?? 'passing'
        return { status: statusOf[all], json: rows.map(({ json }) => json) }
      },
    },
  ]
}

function none(status: Health) {
  return { AggregatedStatus: status, Service: null, Checks: null }
}

function worst(checks: readonly Check[]): Health {
  let found: Health = 'passing'
  for (const { id, status } of checks) {
    const health: Health = id === '_node_maintenance' || id.startsWith('_service_maintenance:') ? 'maintenance' : status
    if (badness.indexOf(health) > badness.indexOf(found)) found = health
  }
  return found
}
