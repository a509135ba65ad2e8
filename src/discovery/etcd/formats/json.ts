import { z } from 'zod'
import type { JsonFormat } from './contract.ts'
import { firstIssue, meta, text } from './fields.ts'
import { toInstance } from './instance.ts'

const schema = z.object({
  host: text,
  address: text,
  port: z
    .union([
      z.int(),
      z
        .string()
        .regex(/^\d{1,5}$/)
        .transform(Number),
    ])
    .nullish(),
  weight: z.number().min(0).max(65_535).nullish(),
  zone: text,
  version: text,
  tags: z.array(z.string()).nullish(),
  meta,
})

/** `{ host | address, port, weight, zone, version, tags, meta }`; `address` may be `host:port`. */
export const json: JsonFormat = {
  isOne: (value) => 'host' in value || 'address' in value,
  read: (value, id) => {
    const parsed = schema.safeParse(value)
    if (!parsed.success) return firstIssue(parsed.error)
    const { host, address = '', port, weight, tags, ...rest } = parsed.data
    const where = { address: host ?? address, port: port ?? undefined }
    const instance = toInstance({ ...rest, ...where, id, weight: weight ?? undefined, tags: tags ?? undefined })
    return typeof instance === 'string' ? instance : [instance]
  },
}
