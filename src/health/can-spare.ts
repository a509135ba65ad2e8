import { isServable, type Judged } from './eligibility.ts'

/** Whether a service can spare this endpoint, counting it as ejected whether it is already or not. */
export function canSpare<E extends Judged>(all: Iterable<E>, candidate: E, maxEjectedPercent: number): boolean {
  let servable = 0
  let ejected = 0
  let left = 0
  for (const endpoint of all) {
    if (!isServable(endpoint.published)) continue
    servable++
    if (endpoint === candidate || endpoint.cell.ejection() !== null) ejected++
    else if (!endpoint.published.unhealthy) left++
  }
  return left > 0 && ejected * 100 <= maxEjectedPercent * servable
}
