/** What somebody may send, what becomes of it, and the tests that show it. */
export interface Attack {
  readonly input: string
  readonly outcome: string
  /** A test file, from `test/integration` and without its ending, and parts of titles in it, tables filled in. */
  readonly shownBy: readonly (readonly [file: string, ...words: string[]])[]
}
