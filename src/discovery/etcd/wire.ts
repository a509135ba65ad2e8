import { z } from 'zod'
import type { KeyRange } from './key-space.ts'

// The gateway is gRPC's JSON mapping: bytes are base64, 64-bit integers are texts, and what is zero is left out.
// https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/

const base64Text = z.base64().default('')
const bytes = base64Text.transform(decoded)
const int64 = z
  .union([z.string().regex(/^\d+$/), z.number()])
  .default(0)
  .transform(Number)
const header = z.object({ cluster_id: z.string().default(''), revision: int64 })
const keyValue = z.object({ key: bytes, value: bytes, mod_revision: int64 })

/** `rawKey`: as it came. What is no UTF-8 can't be told from the text that was made of it. */
const listedKey = z
  .object({ key: base64Text, value: bytes })
  .transform(({ key, value }) => ({ rawKey: key, key: decoded(key), value }))

/** Keys with the lease they have; its 64 bits are more than a number holds, so it stays a text. */
export const keyValues = z.array(keyValue.extend({ lease: z.string().default('0') })).default([])

export const rangeAnswer = z.object({
  header,
  kvs: z.array(listedKey).default([]),
  more: z.boolean().default(false),
})

export const tokenAnswer = z.object({ token: z.string().min(1) })

const watchResult = z.object({
  header: header.optional(),
  created: z.boolean().default(false),
  canceled: z.boolean().default(false),
  cancel_reason: z.string().default(''),
  compact_revision: int64,
  events: z.array(z.object({ type: z.string().default('PUT'), kv: keyValue })).default([]),
})

export const watchLine = z.object({
  result: watchResult.optional(),
  // `code` is from version 2 of the gateway on (etcd 3.6).
  error: z
    .object({ grpc_code: z.number().optional(), code: z.number().optional(), message: z.string().default('') })
    .optional(),
})

export const errorAnswer = z.object({ code: z.number(), message: z.string() })

export type WatchResult = z.output<typeof watchResult>
export type RangeAnswer = z.output<typeof rangeAnswer>

/** @param page.after the raw key that the page before ended with; null = the first page */
export function rangeRequest(
  range: KeyRange,
  page: { limit: number; revision: number | null; after: string | null },
): string {
  const { limit, revision, after } = page
  return JSON.stringify({
    ...encoded(range),
    ...(after !== null && { key: nextKey(after) }),
    limit: String(limit),
    ...(revision !== null && { revision: String(revision) }),
  })
}

export function watchRequest(range: KeyRange, startRevision: number): string {
  return JSON.stringify({ create_request: { ...encoded(range), start_revision: String(startRevision) } })
}

/** Answered at once, whatever happens under the prefix; `progress_notify` would be every ten minutes. */
export const progressRequest = JSON.stringify({ progress_request: {} })

function encoded({ key, end }: KeyRange) {
  return { key: base64(key), range_end: base64(end) }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString()
}

/** The smallest key that is greater. */
function nextKey(rawKey: string): string {
  return Buffer.concat([Buffer.from(rawKey, 'base64'), Buffer.alloc(1)]).toString('base64')
}
