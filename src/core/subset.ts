/** Those instances of a service in the registry that make a service of the gateway. */
export interface Subset {
  /** An instance has all of them. */
  readonly tags: readonly string[]
  /** Its version, exactly; null = any. */
  readonly version: string | null
  /** An expression that the registry itself goes by; null = none. */
  readonly filter: string | null
}
