import type { RunningGateway } from '../start-gateway.ts'

/** Makes one line of what the last second brought: requests in all, per instance, and who is ejected. */
export function createStatusLine(gateway: RunningGateway): (failed: number) => string {
  let before = new Map<string, number>()
  return (failed) => {
    const now = new Map<string, number>()
    const ejected: string[] = []
    const services = gateway.services().map(({ name, endpoints }) => {
      const counts = endpoints.map(({ id, requests, state, registry }) => {
        const label = labelOf(id)
        now.set(id, requests)
        if (state === 'ejected') ejected.push(label)
        const isOut = state === 'eligible' ? '' : `(${state === 'ejected' ? 'ejected' : registry})`
        return `${label.slice(name.length)}:${requests - (before.get(id) ?? 0)}${isOut}`
      })
      return `${name} ${counts.toSorted().join(' ')}`
    })
    const total = [...now].reduce((sum, [id, requests]) => sum + requests - (before.get(id) ?? 0), 0)
    before = now
    const time = new Date().toTimeString().slice(0, 8)
    return `${time}  ${total} requests  ${services.join('  ')}  ejected: ${ejected.join(' ') || 'none'}  failed: ${failed}`
  }
}

/** `registry/tidegate/user-service-1@127.0.0.1:4001` → `user-service-1` */
function labelOf(id: string): string {
  return id.slice(id.lastIndexOf('/', id.lastIndexOf('@')) + 1, id.lastIndexOf('@'))
}
