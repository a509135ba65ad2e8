import { json, problem } from './answer.ts'
import { parseExplainRequest } from './explain-request.ts'
import type { Resource } from './resource.ts'

export const explain: Resource = {
  path: '/api/v1/explain',
  method: 'GET',
  access: 'token',
  summary: 'Why a request goes where it goes: ?method=GET&url=http://host/path&header=name:value',
  answer(input, { query }) {
    const url = query.get('url')
    if (url === null) return problem(400, 'url is missing; ask for ?url=http://host/path or ?url=/path')
    const request = parseExplainRequest(query.get('method') ?? 'GET', url, query.getAll('header'))
    return typeof request === 'string' ? problem(400, request) : json(input.explain(request))
  },
}
