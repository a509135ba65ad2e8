import { answerQuery } from '../blocking-query.ts'
import type { Catalog, CheckRow } from '../catalog.ts'
import { readFlag, requireName, type ApiRequest, type LateAnswer } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import type { Rows } from '../indexes.ts'
import { catalogNodeJson, catalogServiceJson, checkJson } from './shapes.ts'
import { serviceRows } from './service-rows.ts'
import { hasTags } from './tags.ts'

/** `health/…`: services with their checks, and checks alone. */
export function healthOperations(catalog: Catalog): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/health/service',
      takesName: true,
      answer: async (request) => answerService(catalog, request),
    },
    checkOperation(catalog, '/v1/health/checks', 'Missing service name', {
      select: (check, name) => check.serviceName === name,
      rows: (name, hasSome) => (hasSome ? `checks:${name}` : 'service-checks'),
    }),
    checkOperation(catalog, '/v1/health/state', 'Missing check state', {
      select: (check, status) => status === 'any' || check.status === status,
      rows: (status, hasSome) => (hasSome && status !== 'any' ? `status:${status}` : 'checks'),
    }),
    checkOperation(catalog, '/v1/health/node', 'Missing node name', {
      select: (_, name) => name === catalog.node.name,
      rows: () => 'checks',
    }),
  ]
}

async function answerService(catalog: Catalog, request: ApiRequest): Promise<LateAnswer> {
  const name = requireName(request, 'Missing service name')
  const onlyPassing = readFlag(request.query, 'passing', 'Invalid value for ?passing') ?? false
  const instances = () => catalog.instances(name).filter((service) => hasTags(service, request.query))
  return answerQuery(catalog, request, {
    index: () => catalog.indexes.ofService(name, true),
    service: name,
    // What there is changes with its checks; what there is not, by registration alone.
    wasTouched: () => instances().length > 0 || catalog.indexes.wasTouched(serviceRows(catalog, name)),
    read: () => {
      const nodeChecks = catalog.checksOf('')
      const rows = instances()
        .map((service) => ({ service, checks: [...nodeChecks, ...catalog.checksOf(service.id)] }))
        .filter(({ checks }) => !onlyPassing || checks.every((check) => check.status === 'passing'))
        .map(({ service, checks }) => ({
          Node: catalogNodeJson(catalog),
          Service: catalogServiceJson(service),
          Checks: checks.map((check) => showCheck(catalog, check)),
        }))
      return { json: rows }
    },
  })
}

interface CheckSelection {
  readonly select: (check: CheckRow, name: string) => boolean
  /** Which rows the query watches while it selects some, or none. */
  readonly rows: (name: string, hasSome: boolean) => Rows
}

function checkOperation(catalog: Catalog, path: string, missing: string, selection: CheckSelection): Operation {
  return {
    method: 'GET',
    path,
    takesName: true,
    answer: async (request) => {
      const name = requireName(request, missing)
      const checks = () => catalog.checks().filter((check) => selection.select(check, name))
      return answerQuery(catalog, request, {
        index: () => catalog.indexes.checks,
        wasTouched: () => catalog.indexes.wasTouched(selection.rows(name, checks().length > 0)),
        read: () => ({ json: checks().map((check) => showCheck(catalog, check)) }),
      })
    },
  }
}

function showCheck(catalog: Catalog, check: CheckRow) {
  return checkJson(catalog.node, check, catalog.service(check.serviceId)?.tags ?? [])
}
