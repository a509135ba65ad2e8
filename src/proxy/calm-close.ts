import { Server } from 'node:net'

/** A turn of the event loop is calm when nothing was accepted in it and it took no longer than this. */
const calmMs = 0.1
/** No longer is calm waited for: the thread is never idle. */
const maxWaitMs = 1000

/** Stops listening at once. Not the server's own `close`: that of node:http ends idle connections with it. */
export function closeServer(server: Server): void {
  if (server.listening) Server.prototype.close.call(server)
}

/**
 * Stops listening when hardly any connection can wait to be accepted: those that do are reset by the system, also where other
 * threads listen on the address, unless it is told to hand them over (Linux: `net.ipv4.tcp_migrate_req`). The event loop accepts
 * one connection per turn, so a turn without any found the queue empty when it began to poll. This closes behind such a
 * turn if there was nearly nothing else in it; until then connections are accepted on. Resolves when the address is free.
 */
export function closeAtCalmTurn(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    let accepted = 0
    let turnedMs: number | null = null
    server.on('connection', () => accepted++)
    setImmediate(function turn() {
      const nowMs = performance.now()
      const isCalm = turnedMs !== null && accepted === 0 && nowMs - turnedMs <= calmMs
      if (isCalm || nowMs - startedMs > maxWaitMs || !server.listening) {
        closeServer(server)
        return resolve()
      }
      accepted = 0
      turnedMs = nowMs
      setImmediate(turn)
    })
  })
}
