import { type Address, collide, isLoopback } from './address.ts'
import type { Path, Problem } from './finding.ts'
import type { ParsedConfig } from './schema.ts'

/** Names and addresses that must differ, and what the admin address asks for. */
export function checkListeners({ listeners, admin }: ParsedConfig): Problem[] {
  const problems: Problem[] = []
  const taken: { address: Address; by: string }[] = []
  const take = (address: Address, by: string, path: Path): void => {
    const other = taken.find((earlier) => collide(earlier.address, address))
    if (other === undefined) taken.push({ address, by })
    else problems.push({ path, message: `${other.by} takes port ${address.port} already`, hint: 'choose another port' })
  }

  const names = new Set<string>()
  for (const [index, { name, address, tls, redirectToHttps }] of listeners.entries()) {
    take(address, `listener "${name}"`, ['listeners', index, 'address'])
    if (names.has(name)) {
      problems.push({ path: ['listeners', index, 'name'], message: `another listener is called "${name}" already` })
    }
    names.add(name)
    if (tls !== null && redirectToHttps !== null) {
      const message = 'this listener serves HTTPS already'
      problems.push({ path: ['listeners', index, 'redirectToHttps'], message, hint: 'leave one of the two out' })
    }
  }
  take(admin.address, 'the admin API', ['admin', 'address'])

  if (admin.token === null && !isLoopback(admin.address.host)) {
    problems.push({
      path: ['admin', 'address'],
      message: 'off loopback the admin API needs a token',
      hint: 'set admin.token, or listen on 127.0.0.1',
    })
  }
  return problems
}
