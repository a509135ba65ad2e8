export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type Method = (typeof methods)[number]

/** Whether a request may arrive twice (RFC 9110 section 9.2.2). */
export function isRepeatable(method: Method): boolean {
  return method !== 'POST' && method !== 'PATCH'
}

export function hasBody(method: Method): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

export function methodOf(text: string | undefined): Method {
  return methods.find((method) => method === text) ?? 'GET'
}
