import type { Attack } from '../../test/integration/attacks/attack.ts'
import { attacks } from '../../test/integration/attacks/index.ts'

const introduction = `# Strictness

What becomes of hostile and broken input. Generated from the table of the tests by \`npm run docs\`.

A request that two readers could read in two ways is refused: its head reaches no upstream, not a byte of it, and what began to
go upstream of its body is cut off. What is forwarded is one canonical request. The answer to a refused one is a problem document
([failures](failures.md)); the connection ends behind it. Both engines, with the differences named in [operate](../guides/operate.md).
`

/** The reference page of what is refused, what is forwarded, and which tests show it. */
export function renderStrictnessPage(): string {
  return introduction + Object.entries(attacks).map(section).join('')
}

function section([title, rows]: [string, readonly Attack[]]): string {
  return `\n## ${title}\n| input | outcome | shown by |\n|---|---|---|\n${rows.map(row).join('')}`
}

function row({ input, outcome, shownBy }: Attack): string {
  const files = [...new Set(shownBy.map(([file]) => `\`${file.replace(/^\.\.\//, '')}\``))].join(' ')
  return `| ${cell(input)} | ${cell(outcome)} | ${files} |\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
