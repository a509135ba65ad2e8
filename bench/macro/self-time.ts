/** What the bench reads of a .cpuprofile (the Profile type of the Chrome DevTools protocol). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** Monotonic clock of the system, in microseconds. */
  readonly startTime: number
  readonly samples: readonly number[]
  /** Before each sample, in microseconds. */
  readonly timeDeltas: readonly number[]
}

export interface SelfTime {
  readonly name: string
  /** Of the time that was not idle. */
  readonly percent: number
}

/** Part of a profile, on its clock. */
export interface Window {
  readonly fromMicros: number
  readonly toMicros: number
}

/** Time spent within the window in each function itself, callees left out, most first. */
export function selfTimes(
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  { fromMicros, toMicros }: Window,
): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const micros = new Map<string, number>()
  let busyMicros = 0
  let atMicros = startTime
  for (const [i, id] of samples.entries()) {
    atMicros += timeDeltas[i] as number
    const name = names.get(id) as string
    if (name === '(idle)' || atMicros < fromMicros || atMicros > toMicros) continue
    // A sample stands for the time until the next one.
    const spent = timeDeltas[i + 1] ?? 0
    busyMicros += spent
    micros.set(name, (micros.get(name) ?? 0) + spent)
  }
  return [...micros]
    .map(([name, spent]) => ({ name, percent: (spent / busyMicros) * 100 }))
    .toSorted((a, b) => b.percent - a.percent)
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  const place = url.replace(/^.*\/(?=(?:src|node_modules)\/)/, '')
  return place === '' ? name : `${name} ${place}:${lineNumber + 1}`
}
