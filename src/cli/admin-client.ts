import { UsageError } from './usage.ts'

/** The gateway's admin API can't be asked, or refused to answer. */
export class AdminRequestError extends Error {
  override readonly name = 'AdminRequestError'
}

export const adminOptions = {
  admin: { type: 'string', default: 'http://127.0.0.1:9900' },
  token: { type: 'string' },
} as const

/** Asks a running gateway. @param token default: TIDEGATE_ADMIN_TOKEN */
export async function askAdmin<T>(
  path: string,
  { admin, token }: { admin: string; token?: string | undefined },
): Promise<T> {
  if (!URL.canParse(path, admin)) throw new UsageError(`--admin takes a URL such as ${adminOptions.admin.default}`)
  const secret = token ?? process.env['TIDEGATE_ADMIN_TOKEN']
  let response: Response
  try {
    response = await fetch(new URL(path, admin), secret ? { headers: { authorization: `Bearer ${secret}` } } : {})
  } catch {
    throw new AdminRequestError(`no gateway answers at ${admin}; start one, name another with --admin, or give -c FILE`)
  }
  const body = (await response.json()) as T & { title?: string; detail?: string }
  if (!response.ok) throw new AdminRequestError(body.detail ?? body.title ?? `${admin} answered ${response.status}`)
  return body
}
