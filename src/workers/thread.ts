import { parentPort, workerData } from 'node:worker_threads'
import type { LedgerShape } from '../core/ledger.ts'
import type { ControlMessage } from '../core/message.ts'
import { createAccessLog } from '../observe/access-log.ts'
import { openLogSink } from '../observe/log-sink.ts'
import { LogWriter } from '../observe/log-writer.ts'
import { DataThread } from './data-thread.ts'

/** What a worker thread is started with. */
export interface ThreadParameters {
  readonly column: number
  readonly threads: number
  readonly ledger: LedgerShape
  /** File descriptor of the log. */
  readonly logFd: number
}

/** Entry of a data-plane worker thread. */
const port = parentPort
if (port === null) throw new Error('workers/thread.ts runs in a worker thread only')
const parameters = workerData as ThreadParameters
const thread = new DataThread({
  ...parameters,
  send: (message) => port.postMessage(message),
  accessLog: (onDropped) => createAccessLog(new LogWriter(openLogSink(parameters.logFd), { onDropped })),
})
port.on('message', (message: ControlMessage) => thread.receive(message))
port.postMessage({ type: 'started' })
