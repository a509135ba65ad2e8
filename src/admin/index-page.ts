import { json } from './answer.ts'
import type { Resource } from './resource.ts'

/** Lists what exists. */
export function indexPage(resources: readonly Resource[]): Resource {
  const listed = resources.map(({ method, path, summary }) => ({ method, path, summary }))
  return {
    path: '/',
    method: 'GET',
    access: 'token',
    summary: 'This list',
    answer: () => json({ resources: listed }),
  }
}
