/** Leaves what has joined before the process ends by a signal or for want of work. One set of listeners for all that joined by this copy of the library. */
type Leave = () => Promise<void>

interface SignalListener {
  (): void
  /** By a symbol that all copies of the library in a process share, they know each other's. */
  readonly [leavesFirst]: true
}

const leavesFirst = Symbol.for('tidegate.leaves-first')
const leaves = new Map<Leave, readonly NodeJS.Signals[]>()
const listening = new Map<NodeJS.Signals, SignalListener>()

/**
 * `leave` is called when one of `signals` comes, and before the event loop would run dry. When all that had asked for a signal have left, the
 * process ends by it, unless somebody else listens for it too: then the end is theirs. Other copies of this library and `signal-exit`, which
 * end a process only when nobody else listens, are nobody else. @returns takes that back
 */
export function leaveOnSignals(signals: readonly NodeJS.Signals[], leave: Leave): () => void {
  if (leaves.size === 0) process.on('beforeExit', leaveAll)
  leaves.set(leave, signals)
  for (const signal of signals) listen(signal)
  return () => {
    leaves.delete(leave)
    if (leaves.size === 0) process.off('beforeExit', leaveAll)
    for (const signal of signals) {
      if (![...leaves.values()].some((others) => others.includes(signal))) unlisten(signal)
    }
  }
}

function leaveAll(): void {
  for (const leave of leaves.keys()) void leave()
}

function listen(signal: NodeJS.Signals): void {
  if (listening.has(signal)) return
  const onSignal = Object.assign(() => void leaveFor(signal), { [leavesFirst]: true as const })
  listening.set(signal, onSignal)
  // Before the others: those that listen once are gone after their turn.
  process.prependListener(signal, onSignal)
}

function unlisten(signal: NodeJS.Signals): void {
  const onSignal = listening.get(signal)
  if (onSignal !== undefined) process.off(signal, onSignal)
  listening.delete(signal)
}

async function leaveFor(signal: NodeJS.Signals): Promise<void> {
  const others = process.listeners(signal).filter((listener) => !(leavesFirst in listener)).length
  const isOurs = others === signalExits()
  const asked = [...leaves].filter(([, signals]) => signals.includes(signal)).map(([leave]) => leave)
  await Promise.all(asked.map((leave) => leave()))
  unlisten(signal)
  // As it would have without us: what started the process sees which signal ended it. Of several copies the last to leave ends it.
  if (isOurs && process.listenerCount(signal) === signalExits()) process.kill(process.pid, signal)
}

/**
 * How many listeners for each signal `signal-exit` has: it counts them for its own copies, in version 4 at a symbol, in version 3 at the process
 * (https://github.com/tapjs/signal-exit). It acts when the signal comes again and no others are left.
 */
function signalExits(): number {
  const places = [
    Reflect.get(globalThis, Symbol.for('signal-exit emitter')),
    Reflect.get(process, '__signal_exit_emitter__'),
  ]
  return places
    .map((place: { readonly count?: number } | undefined) => place?.count ?? 0)
    .reduce((sum, count) => sum + count)
}
