import { pino } from 'pino'
import { createAccessLog } from '../../src/observe/access-log.ts'
import { settledExchange } from '../../test/support/exchange.ts'
import type { Benchmark, Suite } from './benchmark.ts'

type Exchange = ReturnType<typeof settledExchange>

const kinds = { plain: '/api/users/17?page=2', escaped: '/api/users/"17"?q=\xe9' }

// Lines are concatenated lazily: copying them into a buffer is part of their price.
const buffer = Buffer.alloc(8192)
let written = 0
const writer = {
  write: (line: string) => {
    written += buffer.write(line, 'latin1')
  },
}

function logging(name: string, log: (exchange: Exchange) => void): Benchmark[] {
  return Object.entries(kinds).map(([kind, url]) => {
    const exchange = settledExchange({ url })
    return {
      name: `${name}, ${kind}`,
      run(operations) {
        for (let i = 0; i < operations; i++) log(exchange)
        return written
      },
    }
  })
}

/** The same line by pino, which writes our other lines: what writing it by hand saves. */
function pinoLog(): (exchange: Exchange) => void {
  const formatters = { level: (label: string) => ({ level: label }) }
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, writer)
  return (x) =>
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
    )
}

export const accessLog: Suite = () => [
  ...logging('access log: ours', createAccessLog(writer)),
  ...logging('access log: pino', pinoLog()),
]
