import { ApiError } from '../api-error.ts'
import { readFlag } from '../http/api-request.ts'

/** `?enable=` of the maintenance calls, which is never assumed. */
export function readSwitch(query: URLSearchParams): boolean {
  const value = query.get('enable') ?? ''
  if (value === '') throw new ApiError(400, 'Missing value for enable')
  return readFlag(query, 'enable', `Invalid value for enable: ${JSON.stringify(value)}`) ?? false
}
