import type { ServiceLine } from './service-line.ts'

const looksPerRound = 60
/** So few services are all looked at each time. */
const minLooks = 200

/** Which services to look at, each second: those with a reason, and of the others some in turn, so that in a minute all have been. */
export class LookOrder {
  /** Index of the service with which the next turn begins. */
  #next = 0

  choose(lines: ReadonlyMap<string, ServiceLine>): readonly ServiceLine[] {
    const inTurn = Math.max(minLooks, Math.ceil(lines.size / looksPerRound))
    const first = this.#next < lines.size ? this.#next : 0
    this.#next = first + inTurn
    let index = 0
    return [...lines.values()].filter(({ endpoints }) => {
      const isDue = index >= first && index < first + inTurn
      index++
      return endpoints.needLook(isDue)
    })
  }
}
