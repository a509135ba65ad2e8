/** Go's words for what happens most when a connection is made, since people search for them. */
export function describeDialError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A name of several addresses fails with the errors of all.
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : error
  const { code, address, port } = (last ?? error) as NodeJS.ErrnoException & { address?: string; port?: number }
  const host = address?.includes(':') ? `[${address}]` : address
  if (code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`
  if (code === 'ECONNRESET') return 'EOF'
  return error.message
}
