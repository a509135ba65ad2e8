import { answerQuery } from '../blocking-query.ts'
import type { Catalog } from '../catalog.ts'
import { requireName } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import { datacenter } from '../model.ts'
import { serviceRows } from './service-rows.ts'
import { catalogNodeJson, catalogRowJson, catalogServiceJson } from './shapes.ts'
import { hasTags } from './tags.ts'

/** `catalog/…`: who is registered, whatever their health. */
export function catalogOperations(catalog: Catalog): Operation[] {
  const { node, indexes } = catalog
  return [
    { method: 'GET', path: '/v1/catalog/datacenters', takesName: false, answer: () => ({ json: [datacenter] }) },
    {
      method: 'GET',
      path: '/v1/catalog/nodes',
      takesName: false,
      answer: async (request) =>
        answerQuery(catalog, request, {
          index: () => indexes.nodes,
          wasTouched: () => false,
          read: () => ({ json: [catalogNodeJson(catalog)] }),
        }),
    },
    {
      method: 'GET',
      path: '/v1/catalog/node',
      takesName: true,
      answer: async (request) => {
        const name = requireName(request, 'Missing node name')
        const isOurs = name === node.name
        return answerQuery(catalog, request, {
          index: () => (isOurs ? Math.max(indexes.nodes, indexes.services) : 1),
          wasTouched: () => isOurs && indexes.wasTouched('services'),
          read: () => ({ json: isOurs ? nodeWithServices(catalog) : null }),
        })
      },
    },
    {
      method: 'GET',
      path: '/v1/catalog/services',
      takesName: false,
      answer: async (request) =>
        answerQuery(catalog, request, {
          index: () => indexes.services,
          wasTouched: () => indexes.wasTouched('services'),
          read: () => ({ json: tagsByName(catalog) }),
        }),
    },
    {
      method: 'GET',
      path: '/v1/catalog/service',
      takesName: true,
      answer: async (request) => {
        const name = requireName(request, 'Missing service name')
        return answerQuery(catalog, request, {
          index: () => indexes.ofService(name, false),
          wasTouched: () => indexes.wasTouched(serviceRows(catalog, name)),
          read: () => ({
            json: catalog
              .instances(name)
              .filter((service) => hasTags(service, request.query))
              .map((service) => catalogRowJson(node, service)),
          }),
        })
      },
    },
  ]
}

function nodeWithServices(catalog: Catalog) {
  const services = catalog.services().map((service) => [service.id, catalogServiceJson(service)] as const)
  return { Node: catalogNodeJson(catalog), Services: Object.fromEntries(services) }
}

function tagsByName(catalog: Catalog): Record<string, string[]> {
  const byName = new Map<string, Set<string>>()
  for (const { name, tags } of catalog.services()) {
    const known = byName.get(name) ?? new Set()
    for (const tag of tags) known.add(tag)
    byName.set(name, known)
  }
  return Object.fromEntries([...byName].map(([name, tags]) => [name, [...tags]]))
}
