import { z } from 'zod'
import type { Instance } from '../../../core/instance.ts'
import type { JsonFormat } from './contract.ts'
import { firstIssue, meta, text } from './fields.ts'
import { toInstance } from './instance.ts'

const node = z.object({ id: z.string().min(1), address: z.string(), port: z.int().nullish(), metadata: meta })
const schema = z.object({ version: text, metadata: meta, nodes: z.array(node) })

/**
 * go-micro's whole Service, with one node in each value (https://pkg.go.dev/go-micro.dev/v5/registry#Service). The node's metadata count
 * more than the service's; `protocol` is among them. Version 1 wrote the port apart.
 */
export const goMicro: JsonFormat = {
  isOne: (value) => 'nodes' in value,
  read: (value, id) => {
    const parsed = schema.safeParse(value)
    if (!parsed.success) return firstIssue(parsed.error)
    const { version, metadata, nodes } = parsed.data
    if (nodes.length === 0) return 'it names no node'
    const instances: Instance[] = []
    for (const each of nodes) {
      const instance = toInstance({
        // Where a value has several nodes, the key does not tell them apart, and their own ids not from those of other keys.
        id: nodes.length === 1 ? id : `${id}/${each.id}`,
        address: each.address,
        port: each.port || undefined,
        version,
        meta: { ...metadata, ...each.metadata },
      })
      if (typeof instance === 'string') return instance
      instances.push(instance)
    }
    return instances
  },
}
