import { validateHeaderName, validateHeaderValue } from 'node:http'
import { ApiError } from '../api-error.ts'
import { decodeError, Fields } from '../fields.ts'
import type { AnswerFault, CutFault, Fault, FaultScope } from './fault.ts'

/** By the field that names the kind. */
const decoders: Readonly<Record<string, (fields: Fields) => Fault>> = {
  status: decodeAnswer,
  delayMs: (fields) => ({ delayMs: within('delayMs', fields, 1, longestDelayMs), ...decodeScope(fields) }),
  cut: decodeCut,
  leaderless: (fields) => ({ leaderless: requireTrue('leaderless', fields) }),
  resetIndex: (fields) => ({ resetIndex: requireTrue('resetIndex', fields) }),
  forget: (fields) => ({ forget: requireTrue('forget', fields) }),
  dropConnections: (fields) => ({ dropConnections: requireTrue('dropConnections', fields) }),
}
/** Node's timers hold no more, and fire at once when asked to. */
const longestDelayMs = 2 ** 31 - 1

/** A fault as JSON or from a program; throws an `ApiError` 400 that says what is wrong with it. */
export function decodeFault(value: unknown): Fault {
  const fields = new Fields(value)
  const [decode, ...others] = Object.entries(decoders)
    .filter(([kind]) => fields.has(kind))
    .map(([, decoder]) => decoder)
  if (decode === undefined || others.length > 0) {
    throw new ApiError(400, `A fault is one of ${Object.keys(decoders).join(', ')}`)
  }
  const fault = decode(fields)
  fields.refuseUnknown()
  return fault
}

function decodeAnswer(fields: Fields): AnswerFault {
  const headers = fields.entries('headers', readString)
  for (const [name, value] of Object.entries(headers ?? {})) requireField(name, value)
  return {
    status: within('status', fields, 200, 599),
    ...(fields.has('body') && { body: fields.string('body') }),
    ...(headers && { headers }),
    ...decodeScope(fields),
  }
}

function decodeCut(fields: Fields): CutFault {
  const cut = fields.string('cut')
  if (cut !== 'head' && cut !== 'body') throw new ApiError(400, 'cut must be "head" or "body"')
  return { cut, ...decodeScope(fields) }
}

function decodeScope(fields: Fields): FaultScope {
  const path = fields.string('path')
  if (path && !path.startsWith('/v1/')) throw new ApiError(400, 'path must begin with /v1/')
  return {
    ...(path && { path }),
    ...(fields.has('times') && { times: within('times', fields, 1, Number.MAX_SAFE_INTEGER) }),
  }
}

function requireTrue(name: string, fields: Fields): true {
  if (fields.boolean(name)) return true
  throw new ApiError(400, `${name} must be true; undo the fault to end it`)
}

function within(name: string, fields: Fields, least: number, most: number): number {
  const value = fields.integer(name)
  if (value >= least && value <= most) return value
  throw new ApiError(400, `${name} must be from ${least} to ${most}`)
}

/** What Node would refuse only when the answer is written, where nobody hears of it. */
function requireField(name: string, value: string): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch {
    throw new ApiError(400, `headers: ${JSON.stringify(name)} or its value can't be sent in an answer`)
  }
}

function readString(value: unknown, place: string): string {
  if (typeof value === 'string') return value
  throw decodeError(`${place} must be a string`)
}
