/** Something that goes wrong around a gateway, what happens then, and what shows it. */
export interface FaultRow {
  /** In the project's fault model, which has rows for protocols that are not built yet, too. */
  readonly number: number
  readonly fault: string
  readonly outcome: string
  /** Faults of `npm run chaos`. */
  readonly chaos?: readonly string[]
  /** Test files, from `test` and without their ending, and parts of titles in them, tables filled in. */
  readonly tests?: readonly (readonly [file: string, ...words: string[]])[]
  /** What is not built, or shown by nothing. */
  readonly gap?: string
}
