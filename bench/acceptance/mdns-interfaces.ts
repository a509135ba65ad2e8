import { execFileSync } from 'node:child_process'
import type { Answer } from 'dns-packet'
import multicastDns from 'multicast-dns'
import type { Answer as List } from '../../src/discovery/contract.ts'
import { mdns } from '../../src/discovery/mdns/source.ts'
import { watch } from '../../test/support/watching.ts'

/** What an mDNS source does when one of two interfaces goes down and comes back, and when all do. Run by `mdns-interfaces.sh`. */
const [announced] = process.argv.slice(2)
const service = '_http._tcp.local'

if (announced === undefined) await follow()
else announce(announced)

async function follow(): Promise<void> {
  // A source keeps no process up by itself; in a gateway the listeners do.
  setInterval(() => {}, 60_000)
  const discovery = mdns(
    { name: 'lan', type: 'mdns', domain: 'local', interfaces: null },
    { random: Math.random, onSkipped: (entry) => say('skipped', entry) },
  )
  const open = () => watch(discovery, '_http._tcp')

  let watching = open()
  say('both wires', hosts(await watching.until(({ instances }) => instances.length === 2)))
  let failure = watching.until(() => false).catch(String)
  setInterfaces('down', 'wire1')
  say('wire1 down', await failure)
  watching = open()
  say('asked again', hosts(await watching.until(({ instances }) => instances.length === 1)))
  setInterfaces('up', 'wire1')
  say('wire1 up', hosts(await watching.until(({ instances }) => instances.length === 2)))
  failure = watching.until(() => false).catch(String)
  setInterfaces('down', 'wire1', 'wire2', 'lo')
  say('all down', await failure)
  say('asked again', await open().next().catch(String))
  setInterfaces('up', 'lo', 'wire1', 'wire2')
  say('all up', hosts(await open().until(({ instances }) => instances.length === 2)))
  process.exit()
}

function hosts({ instances }: List): string[] {
  return instances.map(({ host }) => host)
}

function say(step: string, what: unknown): void {
  console.log(`${performance.now().toFixed().padStart(6)} ms  ${step}:`, what)
}

function setInterfaces(state: 'up' | 'down', ...names: readonly string[]): void {
  for (const name of names) execFileSync('ip', ['link', 'set', name, state])
}

function announce(address: string): void {
  const name = `at-${address.replaceAll('.', '-')}.${service}`
  const target = 'box.local'
  const records: Answer[] = [
    { type: 'PTR', name: service, ttl: 120, data: name },
    { type: 'SRV', name, ttl: 120, flush: true, data: { port: 80, target } },
    { type: 'TXT', name, ttl: 120, flush: true, data: [''] },
    { type: 'A', name: target, ttl: 120, flush: true, data: address },
  ]
  const responder = multicastDns()
  responder.on('query', ({ questions }) => {
    if (questions?.some((question) => question.name === service)) responder.respond(records)
  })
}
