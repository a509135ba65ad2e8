import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CorpusCase } from './corpus.ts'

const pattern = /<!-- meta=(\{.*?\}) *-->\n```http\n([\s\S]*?)```\n[\s\S]*?```log\n([\s\S]*?)```/g

/** The fixtures of nodejs/llhttp, less those of its lenient modes and those whose body it is told not to read. */
export function llhttpCases(directory: string): CorpusCase[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => {
      const text = readFileSync(join(directory, file), 'utf8')
      return [...text.matchAll(pattern)].flatMap(
        ({ index, 1: meta = '', 2: block = '', 3: log = '' }): CorpusCase[] => {
          const { type, skipBody = false } = JSON.parse(meta) as { type: string; skipBody?: boolean }
          // Codes 21, 23: its caller pauses it, which nobody can do over a connection.
          if (type.includes('lenient') || skipBody || /error code=2[13] /.test(log)) return []
          const title = [...text.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? ''
          const from = type.startsWith('response') ? 'endpoint' : 'client'
          const messages = log.split('message complete').length - 1
          const wanted = log.includes('error code=') ? 'refuse' : 'forward'
          const bytes = unescaped(block)
          return [
            { name: `${file}: ${title}`, from, bytes: from === 'client' ? withHost(bytes) : bytes, wanted, messages },
          ]
        },
      )
    })
}

/** As the fixtures' own reader has it. */
function unescaped(block: string): string {
  return block
    .replace(/\n$/, '')
    .replaceAll(/\\(\r\n|\r|\n)/g, '')
    .replaceAll(/\r\n|\r|\n/g, '\r\n')
    .replaceAll(/\\(?:([rntf])|x([\da-f]{2})|([0-7]{1,3}))/gi, (_, letter: string, hex: string, octal: string) => {
      if (letter !== undefined) return { r: '\r', n: '\n', t: '\t', f: '\f' }[letter.toLowerCase()] ?? letter
      return String.fromCharCode(hex === undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex, 16))
    })
}

/** Most fixtures leave out the Host field, without which all of them would be refused for that alone. */
function withHost(bytes: string): string {
  if (/\r\nhost:/i.test(bytes)) return bytes
  return bytes.replaceAll(/^([A-Z-]+ [^\r\n]* HTTP\/\d\.\d\r\n)/gm, '$1Host: a\r\n')
}
