import { Chaos } from '../demo/chaos.ts'
import { Load } from '../demo/load.ts'
import { sendOnce } from '../demo/once.ts'
import { createStatusLine } from '../demo/status-line.ts'
import { startWorld, type World } from '../demo/world.ts'
import type { Command } from './commands.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs } from './usage.ts'

const loadPerSecond = 30

export const demo: Command = {
  usage: '[--chaos] [--once]',
  summary: 'a registry, five service instances and the gateway before them; nothing else is needed',
  async run(args) {
    const { values } = readArgs({
      args,
      options: { chaos: { type: 'boolean', default: false }, once: { type: 'boolean', default: false } },
    })
    const world = await startWorld(tell)
    try {
      if (!values.once) await runUntilSignal(world, values.chaos)
      else if (!(await sendOnce(world.edge, tell))) return 1
      return 0
    } finally {
      await world.stop()
    }
  },
}

function tell(line: string): void {
  console.log(line)
}

async function runUntilSignal(world: World, withChaos: boolean): Promise<void> {
  tell(invitation(world, withChaos))
  const load = new Load(world.edge, loadPerSecond)
  const chaos = withChaos ? new Chaos(world.fleet, tell) : null
  const line = createStatusLine(world.gateway)
  const ticking = setInterval(() => tell(line(load.failed)), 1000)
  await shutdownSignal()
  clearInterval(ticking)
  load.stop()
  await chaos?.stop()
  tell('Stopping …')
}

function invitation({ edge, admin, registry }: World, withChaos: boolean): string {
  return `
Tidegate serves on ${edge}. Try:

  curl ${edge}/api/users/1        one of three instances, in turn
  curl ${edge}/api/orders/7       one of two
  curl ${edge}/nowhere            a problem document that says why
  curl ${admin}/api/v1/services   every endpoint: the registry's word, our own, why
  curl '${admin}/api/v1/explain?url=/api/users/1'
  curl ${admin}/metrics           for Prometheus
  curl ${registry}/v1/health/service/user-service

The demo sends ${loadPerSecond} requests a second itself${withChaos ? ', and kills and revives instances meanwhile' : '; with --chaos it kills instances meanwhile'}. Ctrl-C ends it.
`
}
