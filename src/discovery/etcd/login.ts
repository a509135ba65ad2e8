/** Asks etcd for a token; null where its authentication is off. */
export type Authenticate = () => Promise<string | null>

/** The one token of a source, got when it is first needed and again when etcd takes it no more. */
export class Login {
  readonly #authenticate: Authenticate | null
  #token: Promise<string | null> | null = null

  /** @param authenticate null = nobody logs in */
  constructor(authenticate: Authenticate | null) {
    this.#authenticate = authenticate
  }

  get isPossible(): boolean {
    return this.#authenticate !== null
  }

  /** Those who ask at the same time share one attempt; one that failed is not kept. */
  async token(): Promise<string | null> {
    if (this.#authenticate === null) return null
    this.#token ??= this.#authenticate()
    const asked = this.#token
    try {
      return await asked
    } catch (error) {
      if (this.#token === asked) this.#token = null
      throw error
    }
  }

  forget(): void {
    this.#token = null
  }
}
