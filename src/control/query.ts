import type { Instance } from '../core/instance.ts'
import type { Subset } from '../core/subset.ts'
import type { Answer, Discovery } from '../discovery/contract.ts'
import { withTag } from './advertised.ts'
import type { ServiceEntry } from './control-config.ts'

type Asked = Pick<ServiceEntry, 'from' | 'name' | 'subset'>

/** What a service asks its source for, as a text: equal for two that get the same instances. */
export function queryOf({ name, subset }: Pick<Asked, 'name' | 'subset'>): string {
  if (subset === null) return name
  const parts = 'place' in subset ? [subset.prefix, subset.place] : [subset.tags, subset.version, subset.filter]
  return `${name} ${JSON.stringify(parts)}`
}

export function isSameQuery(one: Asked, other: Asked): boolean {
  return one.from === other.from && queryOf(one) === queryOf(other)
}

/** Follows the instances that a service asks for; what the registry does not choose is chosen here. */
export function watchQuery(
  discovery: Discovery,
  { name, subset }: Pick<Asked, 'name' | 'subset'>,
  signal: AbortSignal,
): AsyncIterable<Answer> {
  if (subset === null) return discovery.watch(name, signal)
  if ('place' in subset) return mapped(discovery.watch(name, signal), (instances) => withTag(instances, subset))
  const answers = discovery.watch(name, signal, subset.filter ?? undefined)
  return mapped(answers, (instances) => instances.filter((instance) => isIn(subset, instance)))
}

async function* mapped(
  answers: AsyncIterable<Answer>,
  choose: (instances: readonly Instance[]) => readonly Instance[],
): AsyncGenerator<Answer, void, void> {
  for await (const answer of answers) yield { ...answer, instances: choose(answer.instances) }
}

function isIn({ tags, version }: Subset, instance: Instance): boolean {
  return (version === null || instance.version === version) && tags.every((tag) => instance.tags.includes(tag))
}
