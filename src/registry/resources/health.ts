import { answerQuery } from '../blocking-query.ts'
import type { Catalog, CheckRow } from '../catalog.ts'
import { readFlag, requireName } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import { catalogServiceJson, checkJson, nodeJson } from './shapes.ts'
import { hasTags } from './tags.ts'

/** `health/…`: services with their checks, and checks alone. */
export function healthOperations(catalog: Catalog): Operation[] {
  const { node, indexes } = catalog
  const show = (check: CheckRow) => checkJson(node, check, catalog.service(check.serviceId)?.tags ?? [])
  const checkOperation = (
    path: string,
    missing: string,
    select: (check: CheckRow, name: string) => boolean,
  ): Operation => ({
    method: 'GET',
    path,
    takesName: true,
    answer: async (request) => {
      const name = requireName(request, missing)
      return answerQuery(
        catalog,
        request,
        () => indexes.checks,
        () =>
          catalog
            .checks()
            .filter((check) => select(check, name))
            .map(show),
      )
    },
  })
  return [
    {
      method: 'GET',
      path: '/v1/health/service',
      takesName: true,
      answer: async (request) => {
        const name = requireName(request, 'Missing service name')
        const onlyPassing = readFlag(request.query, 'passing', 'Invalid value for ?passing') ?? false
        return answerQuery(
          catalog,
          request,
          () => indexes.ofService(name, true),
          () => {
            const nodeChecks = catalog.checksOf('')
            return catalog
              .instances(name)
              .filter((service) => hasTags(service, request.query))
              .map((service) => ({ service, checks: [...nodeChecks, ...catalog.checksOf(service.id)] }))
              .filter(({ checks }) => !onlyPassing || checks.every((check) => check.status === 'passing'))
              .map(({ service, checks }) => ({
                Node: { ...nodeJson(node), CreateIndex: indexes.nodes, ModifyIndex: indexes.nodes },
                Service: catalogServiceJson(service),
                Checks: checks.map(show),
              }))
          },
        )
      },
    },
    checkOperation('/v1/health/checks', 'Missing service name', (check, name) => check.serviceName === name),
    checkOperation('/v1/health/node', 'Missing node name', (_, name) => name === node.name),
    checkOperation('/v1/health/state', 'Missing check state', (check, name) => name === 'any' || check.status === name),
  ]
}
