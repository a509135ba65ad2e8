import { z } from 'zod'
import type { JsonFormat } from './contract.ts'
import { firstIssue, meta } from './fields.ts'
import { toInstance } from './instance.ts'

// https://pkg.go.dev/go.etcd.io/etcd/client/v3/naming/endpoints: Add = 0, Delete = 1.
const schema = z.object({ Op: z.number().default(0), Addr: z.string(), Metadata: meta })
const deleted = 1

/** etcd's own naming package for grpc-go: `{"Op":0,"Addr":"10.0.0.5:9000","Metadata":…}`. */
export const grpcGo: JsonFormat = {
  isOne: (value) => 'Addr' in value,
  read: (value, id) => {
    const parsed = schema.safeParse(value)
    if (!parsed.success) return firstIssue(parsed.error)
    const { Op, Addr, Metadata } = parsed.data
    if (Op === deleted) return []
    const instance = toInstance({ id, address: Addr, meta: Metadata })
    return typeof instance === 'string' ? instance : [instance]
  },
}
