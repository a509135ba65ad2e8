import { ApiError } from '../api-error.ts'
import { decodeError, Fields } from '../fields.ts'
import type { Fault, FaultScope } from './fault.ts'

const kinds = ['status', 'delayMs', 'cut', 'leaderless', 'resetIndex', 'forget', 'dropConnections'] as const
/** Node's timers hold no more, and fire at once when asked to. */
const longestDelayMs = 2 ** 31 - 1

/** A fault as JSON or from a program; throws an `ApiError` 400 that says what is wrong with it. */
export function decodeFault(value: unknown): Fault {
  const fields = new Fields(value)
  const chosen = kinds.filter((kind) => fields.has(kind))
  const [kind] = chosen
  if (kind === undefined || chosen.length > 1) throw new ApiError(400, `A fault is one of ${kinds.join(', ')}`)
  const fault = decodeKind(kind, fields)
  fields.refuseUnknown()
  return fault
}

function decodeKind(kind: (typeof kinds)[number], fields: Fields): Fault {
  switch (kind) {
    case 'status': {
      const status = within('status', fields.integer('status'), 200, 599)
      const headers = fields.entries('headers', readString)
      const body = fields.has('body') ? { body: fields.string('body') } : {}
      return { status, ...body, ...(headers && { headers }), ...scope(fields) }
    }
    case 'delayMs':
      return { delayMs: within('delayMs', fields.integer('delayMs'), 1, longestDelayMs), ...scope(fields) }
    case 'cut': {
      const cut = fields.string('cut')
      if (cut !== 'head' && cut !== 'body') throw new ApiError(400, 'cut must be "head" or "body"')
      return { cut, ...scope(fields) }
    }
    case 'leaderless':
      requireTrue(kind, fields)
      return { leaderless: true }
    case 'resetIndex':
      requireTrue(kind, fields)
      return { resetIndex: true }
    case 'forget':
      requireTrue(kind, fields)
      return { forget: true }
    case 'dropConnections':
      requireTrue(kind, fields)
      return { dropConnections: true }
  }
}

function scope(fields: Fields): FaultScope {
  const path = fields.string('path')
  if (path && !path.startsWith('/v1/')) throw new ApiError(400, 'path must begin with /v1/')
  return {
    ...(path && { path }),
    ...(fields.has('times') && { times: within('times', fields.integer('times'), 1, Number.MAX_SAFE_INTEGER) }),
  }
}

function requireTrue(name: string, fields: Fields): void {
  if (!fields.boolean(name)) throw new ApiError(400, `${name} must be true; undo the fault to end it`)
}

function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value
  throw new ApiError(400, `${name} must be from ${least} to ${most}`)
}

function readString(value: unknown, place: string): string {
  if (typeof value === 'string') return value
  throw decodeError(`${place} must be a string`)
}
