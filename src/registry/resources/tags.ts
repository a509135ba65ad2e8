import type { Service } from '../model.ts'

/** Whether the service has every `?tag=` of the query, in any case. */
export function hasTags(service: Service, query: URLSearchParams): boolean {
  const own = new Set(service.tags.map((tag) => tag.toLowerCase()))
  return query.getAll('tag').every((tag) => own.has(tag.toLowerCase()))
}
