import { parseExplainRequest } from '../admin/explain-request.ts'
import { loadConfig } from '../config/load.ts'
import { type ExplainAnswer, explainRequest } from '../control/explain-request.ts'
import { adminOptions, askAdmin } from './admin-client.ts'
import type { Command } from './commands.ts'
import { readArgs, UsageError } from './usage.ts'

export const explain: Command = {
  usage: 'METHOD URL [-H name:value …] [-c FILE | --admin URL]',
  summary: 'say which route a request takes and why, and which endpoints may get it',
  async run(args) {
    const { values, positionals } = readArgs({
      args,
      allowPositionals: true,
      options: {
        ...adminOptions,
        config: { type: 'string', short: 'c' },
        header: { type: 'string', short: 'H', multiple: true, default: [] },
      },
    })
    const [method, url, ...more] = positionals
    if (method === undefined || url === undefined || more.length > 0)
      throw new UsageError('explain takes METHOD and URL')
    const question = { method: method.toUpperCase(), url, headers: values.header }
    const answer =
      values.config === undefined ? await askGateway(question, values) : await readFile(question, values.config)
    print(answer)
    return answer.route === null ? 1 : 0
  },
}

interface Question {
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
}

function askGateway({ method, url, headers }: Question, admin: { admin: string; token?: string | undefined }) {
  const query = new URLSearchParams({ method, url })
  for (const header of headers) query.append('header', header)
  return askAdmin<ExplainAnswer>(`/api/v1/explain?${query.toString()}`, admin)
}

/** Without a gateway nobody knows the endpoints; the route is known all the same. */
async function readFile({ method, url, headers }: Question, file: string): Promise<ExplainAnswer> {
  const request = parseExplainRequest(method, url, headers)
  if (typeof request === 'string') throw new UsageError(request)
  const { config } = await loadConfig(file)
  return explainRequest(request, config.routes, () => null)
}

function print({ route, origin, service, path, candidates, endpoints, retry }: ExplainAnswer): void {
  if (route === null) console.log('no route: the answer is 404 no-route')
  else console.log(`route ${route} → service ${service}, path ${path}\nretry: ${retry}`)
  if (origin !== null) console.log(`by ${origin}`)
  for (const endpoint of endpoints) {
    console.log(`endpoint ${endpoint.id}: ${endpoint.state} (${endpoint.reason}), ${endpoint.inflight} in flight`)
  }
  for (const { route: other, lost } of candidates) console.log(`not ${other}: ${lost}`)
}
