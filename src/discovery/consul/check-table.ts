export interface CheckChanges {
  readonly services: ReadonlySet<string>
  /** Nodes with a change in a check of the whole node, which concerns every service on it. */
  readonly nodes: ReadonlySet<string>
}

interface CheckRow {
  readonly Node: string
  readonly CheckID: string
  readonly ServiceName: string
  readonly ServiceID: string
  readonly Status: string
}

/** What `/v1/health/state/any` said last, to see whom a new answer concerns. */
export class CheckTable {
  #rows = new Map<string, CheckRow>()

  /** Takes over a whole answer; rows that are no checks are left out. The output of a check is no change. */
  replace(body: readonly unknown[]): CheckChanges {
    const before = this.#rows
    const after = new Map<string, CheckRow>()
    for (const row of body) if (isCheckRow(row)) after.set(`${row.Node}\n${row.CheckID}`, withoutOutput(row))
    this.#rows = after

    const services = new Set<string>()
    const nodes = new Set<string>()
    const concerns = (row: CheckRow) => (row.ServiceName === '' ? nodes.add(row.Node) : services.add(row.ServiceName))
    for (const [key, row] of after) {
      const old = before.get(key)
      if (old !== undefined && isSame(old, row)) continue
      concerns(row)
      if (old !== undefined) concerns(old)
    }
    for (const [key, row] of before) if (!after.has(key)) concerns(row)
    return { services, nodes }
  }
}

/** What checks have put out is most of the answer, for all checks of a datacenter. */
function withoutOutput({ Node, CheckID, ServiceName, ServiceID, Status }: CheckRow): CheckRow {
  return { Node, CheckID, ServiceName, ServiceID, Status }
}

function isSame(a: CheckRow, b: CheckRow): boolean {
  return a.Status === b.Status && a.ServiceName === b.ServiceName && a.ServiceID === b.ServiceID
}

function isCheckRow(row: unknown): row is CheckRow {
  if (typeof row !== 'object' || row === null) return false
  const { Node, CheckID, ServiceName, ServiceID, Status } = row as Partial<CheckRow>
  return [Node, CheckID, ServiceName, ServiceID, Status].every((field) => typeof field === 'string')
}
