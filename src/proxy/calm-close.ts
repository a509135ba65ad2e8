import { Server } from 'node:net'

/** Stops listening at once. Not the server's own `close`: that of node:http ends idle connections with it. */
export function closeServer(server: Server): void {
  if (server.listening) Server.prototype.close.call(server)
}

export function closeAtCalmTurn(server: Server): Promise<void> {
  return new Promise((resolve) => {
    closeServer(server)
    resolve()
  })
}
