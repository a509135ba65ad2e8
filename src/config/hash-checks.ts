import type { Path, Problem } from './finding.ts'
import type { ServiceLayer } from './schema/services.ts'

const needed = 'consistent-hash'

/**
 * Services of `balancer: consistent-hash` need a key, others must not have one. A key in `defaults.service` is for those that use
 * it.
 *
 * @param entries of all services, also of those that only routes name
 * @param base what lies under every entry
 */
export function checkHashes(
  defaults: ServiceLayer,
  entries: ReadonlyMap<string, ServiceLayer>,
  base: Pick<ServiceLayer, 'balancer' | 'hash'>,
): Problem[] {
  const problems: Problem[] = []
  let isUsed = base.balancer === needed
  let isMissedByDefault = false
  for (const [key, { balancer = base.balancer, hash = base.hash }] of entries) {
    const stated = entries.get(key)
    if (balancer === needed) {
      isUsed = true
      if (hash !== null && hash !== undefined) continue
      if (stated?.balancer !== undefined || stated?.hash === null) {
        problems.push(missing(['services', key, stated.balancer === undefined ? 'hash' : 'balancer']))
      } else isMissedByDefault = true
    } else if (stated?.hash !== undefined && stated.hash !== null)
      problems.push(unused(['services', key, 'hash'], balancer))
  }
  if (isMissedByDefault) problems.push(missing(['defaults', 'service', 'balancer']))
  if (!isUsed && defaults.hash !== undefined && defaults.hash !== null) {
    problems.push(unused(['defaults', 'service', 'hash'], base.balancer))
  }
  return problems
}

function missing(path: Path): Problem {
  const hint = 'write `hash: { on: client }`, or on: path, header:NAME or cookie:NAME'
  return { path, message: 'consistent-hash needs a `hash`', hint }
}

function unused(path: Path, balancer: string | undefined): Problem {
  const message = `\`hash\` is for \`balancer: ${needed}\`, this is ${balancer}`
  return { path, message, hint: `set that balancer, or leave \`hash\` out`, atKey: true }
}
