import { pino } from 'pino'
import { createAccessLog } from '../../src/observe/access-log.ts'
import { settledExchange } from '../../test/support/exchange.ts'
import { measure, report } from './harness.ts'

// Lines are concatenated lazily: copying them into a buffer is part of their price.
const buffer = Buffer.alloc(8192)
let written = 0
const writer = {
  write: (line: string) => {
    written += buffer.write(line, 'latin1')
  },
}

function benchmark(name: string, log: (exchange: ReturnType<typeof settledExchange>) => void): void {
  for (const [kind, url] of [
    ['plain', '/api/users/17?page=2'],
    ['escaped', '/api/users/"17"?q=\xe9'],
  ] as const) {
    const exchange = settledExchange({ url })
    const measured = measure((operations) => {
      for (let i = 0; i < operations; i++) log(exchange)
      return written
    })
    report(`${name}, ${kind}`, measured)
  }
}

benchmark('access log', createAccessLog(writer))

const logger = pino(
  {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  },
  writer,
)
benchmark('pino', (x) =>
  logger.info(
    {
      requestId: x.requestId,
      client: x.clientAddress,
      listener: x.listener,
      method: x.method,
      host: x.host,
      url: x.url,
      status: x.status,
      failure: x.failure,
      route: x.routeId,
      service: x.serviceName,
      endpoint: x.endpoint?.id,
      attempts: x.attempts,
      requestBytes: x.requestBytes,
      responseBytes: x.responseBytes,
      durationMs: Math.round(x.durationMs * 1000) / 1000,
      userAgent: x.header('user-agent'),
      referer: x.header('referer'),
    },
    'request',
  ),
)
