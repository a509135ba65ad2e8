import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { leaveOnSignals } from '../../src/join/leave-on-signals.ts'

// A program with work for ever, two things that leave before it ends, and others that listen for its end: OTHERS, in their order.

type Copy = typeof import('../../src/join/leave-on-signals.ts')

const say = (text: string): void => void writeSync(1, `${text}\n`)
const others: Readonly<Record<string, () => void | Promise<void>>> = {
  copy: async () => {
    const path = '../../src/join/leave-on-signals.ts?copy'
    const copy = (await import(path)) as Copy
    if (copy.leaveOnSignals === leaveOnSignals) throw new Error('this is no copy')
    copy.leaveOnSignals(['SIGTERM'], leaver('copy', 20))
  },
  'signal-exit 4': () =>
    listenAsSignalExit((emitter) => Reflect.set(globalThis, Symbol.for('signal-exit emitter'), emitter)),
  'signal-exit 3': () => listenAsSignalExit((emitter) => Reflect.set(process, '__signal_exit_emitter__', emitter)),
  once: () => {
    process.once('SIGTERM', () => {
      say('own')
      setTimeout(() => process.exit(7), 100)
    })
  },
}

function leaver(name: string, ms: number): () => Promise<void> {
  return async () => {
    await delay(ms)
    say(`${name} left`)
  }
}

/** What that package does: it ends the process only where all who listen are copies of it, which it counts in one place. */
function listenAsSignalExit(place: (emitter: { count: number }) => void): void {
  const emitter = { count: 1 }
  place(emitter)
  const onSignal = (): void => {
    if (process.listenerCount('SIGTERM') !== emitter.count) return
    process.off('SIGTERM', onSignal)
    say('signal-exit')
    process.kill(process.pid, 'SIGTERM')
  }
  process.on('SIGTERM', onSignal)
}

const join = (): void => void leaveOnSignals(['SIGTERM'], leaver('first', 10))
for (const other of (process.env.OTHERS ?? '').split(',')) {
  if (other === 'join') join()
  else await others[other]?.()
}
setInterval(() => {}, 1000)
say('ready')
