import { CommandError } from './command-error.ts'
import { UsageError } from './usage.ts'

export const adminOptions = {
  admin: { type: 'string', default: 'http://127.0.0.1:9900' },
  token: { type: 'string' },
} as const

/**
 * Asks a running gateway.
 *
 * @param token default: TIDEGATE_ADMIN_TOKEN
 * @throws CommandError when no gateway answers there, or it refuses
 */
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
    throw new CommandError(`no gateway answers at ${admin}; start one, name another with --admin, or give -c FILE`)
  }
  const answer = (await response.json().catch(() => null)) as (T & { title?: string; detail?: string }) | null
  if (answer === null)
    throw new CommandError(`what answers at ${admin} is no gateway's admin API; name that with --admin`)
  if (!response.ok) throw new CommandError(answer.detail ?? answer.title ?? `${admin} answered ${response.status}`)
  return answer
}
