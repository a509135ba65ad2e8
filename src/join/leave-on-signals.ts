/** Leaves what has joined before the process ends by a signal or for want of work. One set of listeners for all that joined in this process. */
type Leave = () => Promise<void>

const leaves = new Map<Leave, readonly NodeJS.Signals[]>()
const listening = new Map<NodeJS.Signals, () => void>()

/**
 * `leave` is called when one of `signals` comes, and before the event loop would run dry. When all that had asked for a signal have left, the
 * process ends by it, unless somebody else listens for it too: then the end is theirs. @returns takes that back
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
  const onSignal = (): void => void leaveFor(signal)
  listening.set(signal, onSignal)
  process.on(signal, onSignal)
}

function unlisten(signal: NodeJS.Signals): void {
  const onSignal = listening.get(signal)
  if (onSignal !== undefined) process.off(signal, onSignal)
  listening.delete(signal)
}

async function leaveFor(signal: NodeJS.Signals): Promise<void> {
  const isOurs = process.listenerCount(signal) === 1
  const asked = [...leaves].filter(([, signals]) => signals.includes(signal)).map(([leave]) => leave)
  await Promise.all(asked.map((leave) => leave()))
  unlisten(signal)
  // As it would have without us: what started the process sees which signal ended it.
  if (isOurs) process.kill(process.pid, signal)
}
