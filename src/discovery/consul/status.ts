import type { RegistryStatus } from '../../core/instance.ts'

export interface Check {
  readonly CheckID: string
  readonly Status: string
  /** Empty for a check of the whole node. */
  readonly ServiceID: string
}

const badness: Readonly<Record<RegistryStatus, number>> = { passing: 0, warning: 1, critical: 2, maintenance: 3 }

/** The worst of an instance's checks decides, those of its node included; passing when there is none. */
export function worstStatus(checks: readonly Check[]): RegistryStatus {
  let worst: RegistryStatus = 'passing'
  for (const check of checks) {
    const status = statusOf(check)
    if (badness[status] > badness[worst]) worst = status
  }
  return worst
}

function statusOf({ CheckID, Status }: Check): RegistryStatus {
  // Maintenance is a critical check with a reserved name: https://developer.hashicorp.com/consul/commands/maint
  if (CheckID === '_node_maintenance' || CheckID.startsWith('_service_maintenance:')) return 'maintenance'
  return Status === 'passing' || Status === 'warning' ? Status : 'critical'
}
