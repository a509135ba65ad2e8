/** What the bench reads of a .cpuprofile (the Profile type of the Chrome DevTools protocol). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Before each sample, in microseconds. */
  readonly timeDeltas: readonly number[]
}

export interface SelfTime {
  readonly name: string
  /** Of the time that was not idle. */
  readonly percent: number
}

/** Time spent in each function itself, callees left out, most first. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const micros = new Map<string, number>()
  let busyMicros = 0
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) as string
    if (name === '(idle)') continue
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
