import { ApiError } from './api-error.ts'

/** Whether the servers, whose the catalog and the keys are, have a leader. They always do here, unless a fault says otherwise. */
export class Leadership {
  #losses = 0
  #lostAtMs = 0
  readonly #listeners = new Set<() => void>()

  get isLost(): boolean {
    return this.#losses > 0
  }

  /** For how long no leader has been heard of; 0 while there is one. */
  get lastContactMs(): number {
    return this.isLost ? Math.round(performance.now() - this.#lostAtMs) : 0
  }

  /** @throws ApiError in Consul's words, for what only a leader may do */
  require(): void {
    if (!this.isLost) return
    throw new ApiError(500, 'No cluster leader', { 'x-consul-index': '1', ...leaderHeaders(false, 0) })
  }

  /** No leader until the returned function is called; of several losses, until all are made good. */
  lose(): () => void {
    if (!this.isLost) this.#lostAtMs = performance.now()
    this.#losses += 1
    return () => {
      this.#losses -= 1
      if (!this.isLost) for (const listener of this.#listeners) listener()
    }
  }

  /** Calls back each time that there is a leader again. */
  onReturn(listener: () => void): void {
    this.#listeners.add(listener)
  }
}

/** What an answer says of the leader, and how long ago it was heard of. */
export function leaderHeaders(isKnown: boolean, lastContactMs: number): Record<string, string> {
  return { 'x-consul-knownleader': String(isKnown), 'x-consul-lastcontact': String(lastContactMs) }
}
