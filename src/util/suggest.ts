/** The known word that `word` most likely was meant to be, or null when none is near. */
export function suggest(word: string, known: Iterable<string>): string | null {
  const folded = fold(word)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const other = fold(candidate)
    if (Math.abs(folded.length - other.length) >= bestDistance) continue
    const distance = editDistance(folded, other)
    if (distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** The hint for it, to be spread into a problem. */
export function didYouMean(word: string, known: Iterable<string>): { hint?: string } {
  const meant = suggest(word, known)
  return meant === null ? {} : { hint: `did you mean "${meant}"?` }
}

/** Case and separators are the most common slips (`strip_prefix`, `Address`): they cost nothing. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '')
}

/** Insertions, deletions, replacements, and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1)
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, replaced)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(costs: readonly number[], column: number): number {
  return costs[column] ?? Number.POSITIVE_INFINITY
}
