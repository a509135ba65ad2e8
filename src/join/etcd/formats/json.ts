import type { Registration } from '../../registration.ts'
import type { ValueFormat } from './contract.ts'

/** Tidegate's own words: all that an instance says of itself, and weight 0 for one that is not to be chosen. */
export const json = {
  prefix: '/micro/services',
  carries: ['weight', 'tags', 'meta'],
  write: (registration: Registration) => valueOf(registration, registration.weight),
  writeOut: (registration: Registration) => valueOf(registration, 0),
} satisfies ValueFormat

function valueOf({ host, port, tags, meta }: Registration, weight: number | null): string {
  return JSON.stringify({
    host,
    port,
    ...(weight !== null && { weight }),
    ...(tags.length > 0 && { tags }),
    ...(Object.keys(meta).length > 0 && { meta }),
  })
}
