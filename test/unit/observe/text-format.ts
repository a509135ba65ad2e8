/** One family of a text exposition, as a strict reader understands it. */
export interface ParsedFamily {
  readonly help: string
  readonly type: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\n"])*)"'
const sampleLine = new RegExp(`^(${metricName})(?:\\{(${label}(?:,${label})*)?\\})? (\\S+)$`)
const labelPair = new RegExp(label, 'g')

/**
 * Reads Prometheus' text format 0.0.4 and throws at whatever a scraper may refuse: a second HELP or TYPE, samples outside
 * their family's block, a series printed twice, bad escapes, a missing final line feed.
 */
export function parseTextFormat(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, ParsedFamily>()
  const series = new Set<string>()
  let current: [name: string, family: ParsedFamily] | null = null
  let help: [name: string, text: string] | null = null
  for (const line of text.split('\n')) {
    if (line === '') continue
    const comment = new RegExp(`^# (HELP|TYPE) (${metricName}) (.*)$`).exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      if (families.has(name)) throw new Error(`${kind} again: ${line}`)
      if (kind === 'HELP') help = [name, rest]
      else {
        if (help?.[0] !== name) throw new Error(`TYPE without its HELP: ${line}`)
        if (!/^(counter|gauge|histogram|summary)$/.test(rest)) throw new Error(`unknown type: ${line}`)
        current = [name, { help: help[1], type: rest, samples: [] }]
        families.set(...current)
      }
      continue
    }
    const sample = sampleLine.exec(line)
    if (sample === null || current === null) throw new Error(`not a sample: ${line}`)
    const name = sample[1] ?? ''
    const [familyName, family] = current
    const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    if (!suffixes.some((suffix) => familyName + suffix === name)) throw new Error(`outside its family: ${line}`)
    const labels: Record<string, string> = {}
    for (const [, key = '', value = ''] of (sample[2] ?? '').matchAll(labelPair)) {
      if (key in labels) throw new Error(`label twice: ${line}`)
      labels[key] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    }
    const identity = name + JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (series.has(identity)) throw new Error(`series twice: ${line}`)
    series.add(identity)
    family.samples.push({ name, labels, value: parseValue(sample.at(-1) ?? '', line) })
  }
  return families
}

function parseValue(text: string, line: string): number {
  if (/^\+?Inf$/i.test(text)) return Infinity
  if (/^-Inf$/i.test(text)) return -Infinity
  if (/^NaN$/i.test(text)) return NaN
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) throw new Error(`not a number: ${line}`)
  return Number(text)
}
