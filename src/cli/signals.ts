/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function shutdownSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const first = (signal: NodeJS.Signals) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) {
        process.off(name, first)
        process.on(name, () => process.exit(128 + (name === 'SIGINT' ? 2 : 15)))
      }
      resolve(signal)
    }
    process.on('SIGTERM', first)
    process.on('SIGINT', first)
  })
}
