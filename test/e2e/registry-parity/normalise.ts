const perConsul = new Set(['CreateIndex', 'ModifyIndex', 'ContentHash'])
const perNode = new Set(['Node', 'NodeMeta', 'Address', 'TaggedAddresses', 'Meta'])

/**
 * An answer without what differs from one Consul to the next: indexes, the node's name, id and addresses, and the server's own port and
 * meta. Absent maps equal empty ones, and the tags of a service name come in no order.
 */
export function normalise(json: unknown, inAgentHealth = false): unknown {
  if (Array.isArray(json)) return inOrder(json.map((value) => normalise(value, inAgentHealth)))
  if (json === null || typeof json !== 'object') return json
  if ('AggregatedStatus' in json) inAgentHealth = true
  const isNode = 'Datacenter' in json
  const isServer = ['ID', 'ServiceID'].some((key) => Reflect.get(json, key) === 'consul')
  const entries: [string, unknown][] = []
  for (const [key, value] of Object.entries(json)) {
    if (perConsul.has(key) || (isNode && (perNode.has(key) || key === 'ID'))) continue
    if (isServer && ['Meta', 'ServiceMeta', 'Port', 'ServicePort'].includes(key)) continue
    if (key === 'Node' && typeof value === 'string') continue
    // `agent/health` shows definitions in Go's zero values, and no types.
    if (inAgentHealth && (key === 'Definition' || key === 'Type')) continue
    if (key === 'Meta') entries.push([key, value ?? {}])
    else if (key === 'ServiceTags' && value === null) entries.push([key, []])
    else if (isTagList(value)) entries.push([key, value.toSorted()])
    else entries.push([key, normalise(value, inAgentHealth)])
  }
  return Object.fromEntries(entries)
}

/** `agent/health` lists services and checks as a Go map gives them, in no order. */
function inOrder(rows: unknown[]): unknown[] {
  const isUnordered = rows.every((row) => typeof row === 'object' && row !== null && 'AggregatedStatus' in row)
  return isUnordered ? rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : rows
}

function isTagList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
