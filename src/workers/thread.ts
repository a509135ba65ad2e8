import { parentPort, workerData } from 'node:worker_threads'
import type { LedgerShape } from '../core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../core/message.ts'
import { createAccessLog } from '../observe/access-log.ts'
import { openLogSink } from '../observe/log-sink.ts'
import { LogWriter } from '../observe/log-writer.ts'
import { DataThread } from './data-thread.ts'
import { Outbox } from './outbox.ts'

/** What a worker thread is started with. */
export interface ThreadParameters {
  readonly column: number
  readonly sharesPorts: boolean
  readonly ledger: LedgerShape
  /** File descriptor of the log. */
  readonly logFd: number
}

/** Entry of a data-plane worker thread. */
const port = parentPort
if (port === null) throw new Error('workers/thread.ts runs in a worker thread only')
const parameters = workerData as ThreadParameters
const outbox = new Outbox<ThreadMessage>((messages) => port.postMessage(messages))
const sink = openLogSink(parameters.logFd)
let logWriter: LogWriter | null = null
const thread = new DataThread({
  ...parameters,
  send: (message) => void send(message),
  accessLog: (onDropped) => {
    logWriter = new LogWriter(sink, { onDropped })
    return createAccessLog(logWriter)
  },
})
port.on('message', (messages: readonly ControlMessage[]) => {
  for (const message of messages) thread.receive(message)
})
outbox.put({ type: 'started' })
// Also where it ends by an exception: what it has to say and to log is said.
process.on('exit', () => {
  outbox.flush()
  logWriter?.flushSync(0)
})

async function send(message: ThreadMessage): Promise<void> {
  // The last message: after it the thread may be ended, with whatever it has not written.
  if (message.type === 'drained') await logWriter?.close()
  outbox.put(message)
}
