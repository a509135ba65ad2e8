import type { Timeline } from './timeline.ts'

/**
 * Turns the outages of single watches into one decision per outage of a source: `source-lost` with its first failing watch,
 * `source-back` when the last of them has been answered again.
 */
export class SourceOutages {
  readonly #timeline: Timeline
  readonly #failing = new Map<string, Set<string>>()

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  failed(source: string, service: string, message: string): void {
    const failing = this.#failing.get(source)
    if (failing !== undefined) {
      failing.add(service)
      return
    }
    this.#failing.set(source, new Set([service]))
    this.#record('source-lost', `${source}, asked for ${service}: ${message}; the last good lists stay in force`)
  }

  answered(source: string, service: string): void {
    if (this.forget(source, service)) this.#record('source-back', `${source} answers again`)
  }

  /** The watch is gone, answered or not. @returns true when it was the last that failed */
  forget(source: string, service: string): boolean {
    const failing = this.#failing.get(source)
    if (failing === undefined || !failing.delete(service) || failing.size > 0) return false
    this.#failing.delete(source)
    return true
  }

  #record(type: 'source-lost' | 'source-back', cause: string): void {
    this.#timeline.record({ type, service: null, endpoint: null, cause })
  }
}
