/** One operation to measure. */
export interface Benchmark {
  readonly name: string
  /** Does it that many times; returns something that depends on every result, so that none is left out. */
  readonly run: (operations: number) => number
}

/** Benchmarks of one hot function, which run in a process of their own: types that others pass by slow none of them. */
export type Suite = () => readonly Benchmark[]
