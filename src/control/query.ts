import type { Instance } from '../core/instance.ts'
import type { Subset } from '../core/subset.ts'
import type { Answer, Discovery } from '../discovery/contract.ts'
import { withTag } from './advertised.ts'
import type { ServiceEntry } from './control-config.ts'

/** What a service asks one of its sources for. */
export interface Query extends Pick<ServiceEntry, 'subset'> {
  /** The service's name there. */
  readonly name: string
}

type Zone = ServiceEntry['zone']

/** The same as a text: equal for two that get the same instances. */
export function queryOf({ name, subset }: Query): string {
  if (subset === null) return name
  const parts = 'place' in subset ? [subset.prefix, subset.place] : [subset.tags, subset.version, subset.filter]
  return `${name} ${JSON.stringify(parts)}`
}

/** Follows the instances that a service asks for; what the registry does not choose is chosen here, and how near each is. */
export function watchQuery(
  discovery: Discovery,
  { name, subset, zone }: Query & { readonly zone: Zone },
  signal: AbortSignal,
): AsyncIterable<Answer> {
  const filter = subset !== null && 'filter' in subset ? (subset.filter ?? undefined) : undefined
  const answers = discovery.watch(name, signal, filter)
  if (subset === null && zone === null) return mapped(answers, inPairs)
  return mapped(answers, (instances) => nearness(chosenFrom(instances, subset), zone))
}

function chosenFrom(instances: readonly Instance[], subset: Query['subset']): readonly Instance[] {
  if (subset === null) return instances
  if ('place' in subset) return withTag(instances, subset)
  return instances.filter((instance) => isIn(subset, instance))
}

function inPairs(instances: readonly Instance[]): readonly Instance[] {
  return instances.some(({ tier }) => tier !== undefined) ? nearness(instances, null) : instances
}

/** What a source says of datacenters, with the zones within each: see `eligible`. */
function nearness(instances: readonly Instance[], zone: Zone): readonly Instance[] {
  return instances.map((instance) => {
    const tier = 2 * (instance.tier ?? 0) + Number(zone !== null && instance.zone !== zone.prefer)
    return tier === (instance.tier ?? 0) ? instance : Object.freeze({ ...instance, tier })
  })
}

/** No generator: each watch waits in it all the time, and ten thousand may. */
function mapped(
  answers: AsyncIterable<Answer>,
  choose: (instances: readonly Instance[]) => readonly Instance[],
): AsyncIterable<Answer> {
  const chosen = (result: IteratorResult<Answer>): IteratorResult<Answer> => {
    if (result.done) return result
    const { unresolved, ...answer } = result.value
    const value = { ...answer, instances: choose(answer.instances) }
    return { done: false, value: unresolved === undefined ? value : { ...value, unresolved: choose(unresolved) } }
  }
  return {
    [Symbol.asyncIterator]() {
      const source = answers[Symbol.asyncIterator]()
      return {
        next: () => source.next().then(chosen),
        return: async () => source.return?.() ?? { done: true, value: undefined },
      }
    },
  }
}

function isIn({ tags, version }: Subset, instance: Instance): boolean {
  return (version === null || instance.version === version) && tags.every((tag) => instance.tags.includes(tag))
}
