/** What somebody may send, what becomes of it, and the tests that show it. */
export interface Attack {
  readonly input: string
  readonly outcome: string
  /** Name of a test file here, without its ending, and words of it: of titles, or of rows of its tables. */
  readonly shownBy: readonly (readonly [file: string, ...words: string[]])[]
}
