import type { AddressRecord, Dns } from '../../src/discovery/names/dns.ts'

/** Answers of a FakeDns by name: records or addresses, an error code, or a promise of them. */
export interface FakeAnswers {
  readonly hosts: Set<string>
  readonly a: Record<string, Answer<readonly AddressRecord[]>>
  readonly aaaa: Record<string, Answer<readonly AddressRecord[]>>
  readonly system: Record<string, Answer<readonly string[]>>
  /** Every question asked, for example `a web.example.com`. */
  readonly asked: string[]
}

type Answer<Found> = Found | string | Promise<Found>

/** A Dns whose answers the test may change at any time; names it does not know are ENOTFOUND. */
export function fakeDns(): Dns & FakeAnswers {
  const fake: FakeAnswers = { hosts: new Set(), a: {}, aaaa: {}, system: {}, asked: [] }
  const answer = async <Found>(kind: string, answers: Record<string, Answer<Found>>, name: string): Promise<Found> => {
    fake.asked.push(`${kind} ${name}`)
    const found = answers[name] ?? 'ENOTFOUND'
    if (typeof found === 'string') throw Object.assign(new Error(`${kind} ${found} ${name}`), { code: found })
    return found
  }
  return {
    ...fake,
    hostsFile: async () => fake.hosts,
    resolve4: async (name) => answer('a', fake.a, name),
    resolve6: async (name) => answer('aaaa', fake.aaaa, name),
    lookup: async (name) => answer('system', fake.system, name),
  }
}
