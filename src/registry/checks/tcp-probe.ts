import { once } from 'node:events'
import { connect } from 'node:net'
import type { ProbeResult, TcpProbe } from './definition.ts'
import { describeDialError } from './dial-error.ts'
import { splitHostPort } from './host-port.ts'
import type { Until } from './until.ts'

/** Makes one connection and closes it. Never rejects. */
export async function probeTcp({ address }: TcpProbe, { signal, deadline }: Until): Promise<ProbeResult> {
  const { host = '', port = 0 } = splitHostPort(address) ?? {}
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal })
    return { status: 'passing', output: `TCP connect ${address}: Success` }
  } catch (error) {
    return {
      status: 'critical',
      output: deadline.aborted ? `dial tcp ${address}: i/o timeout` : describeDialError(error),
    }
  } finally {
    socket.on('error', () => {}).destroy()
  }
}
