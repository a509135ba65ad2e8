import type { IncomingMessage } from 'node:http'
import { bringsToken, isLoopbackHost } from './access.ts'
import type { AdminInput } from './admin-input.ts'
import { problem, type Answer } from './answer.ts'
import { findResources, resources } from './resources.ts'
import type { Resource } from './resource.ts'

/** Who may ask. */
export interface AdminPolicy {
  /** Null: nobody needs one. */
  readonly token: string | null
  /** `/metrics` without the token. */
  readonly publicMetrics: boolean
  /** The listener is reached from this machine only, so the `Host` field must name it. */
  readonly onLoopback: boolean
}

const maxBodyBytes = 65_536

/** Judges and answers one request of the admin listener. Rejects only when a resource throws. */
export async function answerRequest(request: IncomingMessage, policy: AdminPolicy, input: AdminInput): Promise<Answer> {
  const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s, 2)
  const found = findResources(path)
  const refused = refuseCaller(request, policy, found[0]?.resource.access ?? 'token')
  if (refused !== null) return refused
  if (found.length === 0) {
    return problem(404, `Nothing is at ${path}`, {
      resources: resources.map((resource) => `${resource.method} ${resource.path}`),
    })
  }
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const match = found.find(({ resource }) => resource.method === method)
  if (match === undefined) {
    const allow = found.map(({ resource }) => (resource.method === 'GET' ? 'GET, HEAD' : resource.method)).join(', ')
    return { ...problem(405, `${path} takes ${allow}`), headers: { allow } }
  }
  const segments = decodeSegments(match.segments)
  if (segments === null) return problem(400, 'The path has a broken percent escape')
  if (!(await endsWithin(request, maxBodyBytes))) {
    return { ...problem(413, `The body is larger than ${maxBodyBytes} bytes`), headers: { connection: 'close' } }
  }
  return match.resource.answer(input, { segments, query: new URLSearchParams(search) })
}

function refuseCaller(request: IncomingMessage, policy: AdminPolicy, access: Resource['access']): Answer | null {
  if (policy.onLoopback && !isLoopbackHost(request.headers.host)) {
    return problem(403, 'The Host field must be a loopback name or address, such as localhost or 127.0.0.1')
  }
  // Browsers send it with what scripts and forms of other sites post; nothing else does.
  if (request.method !== 'GET' && request.method !== 'HEAD' && request.headers.origin !== undefined) {
    return problem(403, 'Requests from web pages may only read')
  }
  const isOpen = access === 'open' || (access === 'metrics' && policy.publicMetrics)
  if (isOpen || policy.token === null || bringsToken(request, policy.token)) return null
  const unauthorized = problem(401, 'Send the token of the configuration as Authorization: Bearer TOKEN')
  return { ...unauthorized, headers: { 'www-authenticate': 'Bearer realm="tidegate admin"' } }
}

function decodeSegments(segments: readonly string[]): string[] | null {
  try {
    return segments.map((segment) => decodeURIComponent(segment))
  } catch {
    return null
  }
}

/** Reads and drops a body; false as soon as it is longer. */
async function endsWithin(request: IncomingMessage, maxBytes: number): Promise<boolean> {
  let bytes = 0
  // The connection is still needed for the answer.
  const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) return false
  }
  return true
}
