/** What is open at a server for as long as that runs, such as the watch of a health: its drain would wait for it for ever. */
const open = new WeakMap<object, Set<() => void>>()

/** `end` is called when the server is drained. @returns takes that back */
export function endsWith(server: object, end: () => void): () => void {
  const ends = open.get(server) ?? new Set()
  open.set(server, ends)
  ends.add(end)
  return () => void ends.delete(end)
}

export function endWhatIsOpen(server: object): void {
  for (const end of open.get(server) ?? []) end()
}
