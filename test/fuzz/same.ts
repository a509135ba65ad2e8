/** @throws an error that shows both, when they are not the same as JSON */
export function same(what: string, actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)]
  if (is !== should) throw new Error(`${what}:\n  is     ${is}\n  should ${should}`)
}
