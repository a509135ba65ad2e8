import { setTimeout as delay } from 'node:timers/promises'
import type { Facts, Failed, Fault, Outcome, Pace } from './fault.ts'
import { type Figures, figuresOf } from './figures.ts'
import { always } from './judge.ts'
import { Load } from './load/load.ts'
import { type LoadParameters, type Samples, systemMs } from './load/samples.ts'
import { until } from './until.ts'
import { service, type World } from './world.ts'

/** How a fault is run; the short form has less of everything. */
export interface Running {
  readonly pace: Pace
  readonly connections: number
  /** Null: half of what the world can answer, found out first. */
  readonly ratePerSecond: number | null
  readonly warmUpMs: number
  readonly beforeMs: number
  readonly afterMs: number
  /** A request without an answer for so long has none: longer than all deadlines of the gateway. */
  readonly hangMs: number
}

export interface Result {
  readonly figures: Figures
  readonly facts: Facts
  readonly repeated: number
  readonly ratePerSecond: number
  /** What did not hold; empty when all did. */
  readonly missed: readonly string[]
}

const peakMs = 3000
const steadyShare = 0.5

export async function runFault(fault: Fault, world: World, running: Running): Promise<Result> {
  const loads: Load[] = []
  const start = async (parameters: Pick<LoadParameters, 'connections' | 'ratePerSecond'>) => {
    const { methods } = fault
    const load = await Load.start({ port: world.setting.port, methods, hangMs: running.hangMs, ...parameters })
    loads.push(load)
    return load
  }
  try {
    const { connections } = running
    const { peakConnections } = fault
    const isWanted = peakConnections !== null || running.ratePerSecond === null
    const peakPerSecond = isWanted ? await findPeak(peakConnections ?? connections) : Number.NaN
    const found = Math.round(peakPerSecond * steadyShare)
    const ratePerSecond = peakConnections !== null ? found : (running.ratePerSecond ?? found)
    const steady = await start({ connections, ratePerSecond })
    await delay(running.warmUpMs)
    const countedMs = systemMs()
    await delay(running.beforeMs)
    const struckMs = systemMs()
    let lastBlowMs = struckMs
    const addedLoads: Load[] = []
    const facts = await fault.strike({
      ...running.pace,
      world,
      peakPerSecond,
      blow: () => void (lastBlowMs = systemMs()),
      addLoad: async (parameters) => void addedLoads.push(await start(parameters)),
    })
    const calmMs = systemMs()
    const added = await Promise.all(addedLoads.map((load) => load.stop()))
    await delay(running.afterMs)
    const samples = await steady.stop()
    world.checkAlive()
    const figures = figuresOf(samples, { countedMs, struckMs, lastBlowMs, calmMs })
    const repeated = world.repeated()
    const outcome: Outcome = {
      edge: world.edgeName,
      figures,
      failed: failedOf(samples, countedMs),
      repeated,
      leftInFlight: await leftInFlight(world),
      ejectedMs: await ejections(world, struckMs),
      struckMs,
      endedMs: calmMs,
      connections,
      peakPerSecond,
      added,
      steady: samples,
      facts,
    }
    const missed = [...always(outcome), ...fault.judge(outcome)]
    return { figures, facts, repeated: repeated.length, ratePerSecond, missed }
  } finally {
    for (const load of loads) load.kill()
  }

  async function findPeak(connections: number): Promise<number> {
    const load = await start({ connections, ratePerSecond: null })
    await delay(running.warmUpMs)
    const fromMs = systemMs()
    await delay(peakMs)
    const toMs = systemMs()
    const { kind, dueMs, latencyMs } = await load.stop()
    let answered = 0
    for (const [i, due] of dueMs.entries()) {
      const endedMs = due + (latencyMs[i] ?? 0)
      if (kind[i] === 0 && endedMs >= fromMs && endedMs < toMs) answered++
    }
    return (answered * 1000) / (toMs - fromMs)
  }
}

function failedOf({ kinds, kind, dueMs, sentMs, latencyMs }: Samples, countedMs: number): Failed[] {
  return Array.from(kind.keys())
    .filter((i) => kind[i] !== 0 && (dueMs[i] ?? 0) >= countedMs)
    .map((i) => ({
      kind: kinds[kind[i] ?? 0] ?? '',
      sentMs: sentMs[i] ?? Number.NaN,
      endedMs: (dueMs[i] ?? 0) + (latencyMs[i] ?? 0),
    }))
}

/** Gauges follow the last answer within a moment. */
async function leftInFlight({ admin }: World): Promise<number | null> {
  if (admin === null) return null
  let left = 0
  const settled = until('gauges at 0', async () => {
    const { endpoints } = await admin.services(service)
    left = endpoints.reduce((sum, { inflight }) => sum + inflight, 0)
    return left === 0
  })
  await settled.catch(() => {})
  return left
}

async function ejections({ admin }: World, sinceMs: number): Promise<number[]> {
  if (admin === null) return []
  const offsetMs = Date.now() - systemMs()
  const events = (await admin.timeline()).filter(({ type }) => type === 'ejected')
  // Told in whole milliseconds: it was at the end of that one at the latest. What is still to come was told by a clock that had jumped.
  return events
    .map(({ at }) => Date.parse(at) + 1 - offsetMs)
    .filter((ms) => ms >= sinceMs && ms <= systemMs())
    .toSorted((a, b) => a - b)
}
