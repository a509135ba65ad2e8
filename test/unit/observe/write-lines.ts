import { openLogSink } from '../../../src/observe/log-sink.ts'
import { LogWriter } from '../../../src/observe/log-writer.ts'

// Run as a process of its own: writes that many lines of 100 bytes to stdout, then says on stderr how it went.
const sink = openLogSink(1)
const writer = new LogWriter(sink)
for (let i = 0; i < Number(process.argv[2]); i++) writer.write(`${String(i).padEnd(99, '.')}\n`)
await writer.close()
process.stderr.write(JSON.stringify({ mayBlock: sink.mayBlock, dropped: writer.dropped }))
