const perConsul = new Set(['CreateIndex', 'ModifyIndex', 'ContentHash'])
const perNode = new Set(['Node', 'NodeMeta', 'Address', 'TaggedAddresses', 'Meta'])

/**
 * An answer without what differs from one Consul to the next: indexes, the node's name, id and addresses, and the server's own port and
 * meta. Absent maps equal empty ones, and the tags of a service name come in no order.
 */
export function normalise(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(normalise)
  if (json === null || typeof json !== 'object') return json
  const isNode = 'Datacenter' in json
  const isServer = ['ID', 'ServiceID'].some((key) => Reflect.get(json, key) === 'consul')
  const entries: [string, unknown][] = []
  for (const [key, value] of Object.entries(json)) {
    if (perConsul.has(key) || (isNode && (perNode.has(key) || key === 'ID'))) continue
    if (isServer && ['Meta', 'ServiceMeta', 'Port', 'ServicePort'].includes(key)) continue
    if (key === 'Node' && typeof value === 'string') continue
    if (key === 'Meta') entries.push([key, value ?? {}])
    else if (isTagList(value)) entries.push([key, value.toSorted()])
    else entries.push([key, normalise(value)])
  }
  return Object.fromEntries(entries)
}

function isTagList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
