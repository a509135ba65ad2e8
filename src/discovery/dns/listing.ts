import type { Instance } from '../../core/instance.ts'
import type { SkippedEntry } from '../contract.ts'

/** What the DNS says of a service. */
export interface Listing {
  /** In the order of id and address; hosts may be names. */
  readonly instances: readonly Instance[]
  readonly skipped: readonly SkippedEntry[]
  readonly ttlSeconds: number
  /** There is no such name, or it has no such records: the service has nobody, or the DNS has lost it. */
  readonly isNegative: boolean
}

export function instanceOf(
  given: Pick<Instance, 'host' | 'port'> & Partial<Pick<Instance, 'hostName' | 'weight' | 'meta'>>,
): Instance {
  const { host, hostName = host, port, weight = 1, meta = {} } = given
  const id = `${hostName}:${port}`
  const rest = { id, node: '', port, weight, zone: '', version: '', tags: [], meta, status: 'passing' as const }
  return Object.freeze(hostName === host ? { ...rest, host } : { ...rest, host, hostName })
}

export function inOrder(instances: readonly Instance[]): readonly Instance[] {
  return instances.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}

function keyOf({ id, host }: Instance): string {
  return `${id} ${host}`
}
