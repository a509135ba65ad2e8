import type { HandedSocket } from '../core/listen-socket.ts'

/** What a process says to its successor in its environment: which descriptor is what. No secrets: other processes can read it. */
export interface HandoverNote {
  readonly pid: number
  readonly sockets: readonly HandedSocket[]
}

type Environment = Record<string, string | undefined>

const variable = 'TIDEGATE_HANDOVER'
/** Linux takes no string of 128 KiB or more into an environment (MAX_ARG_STRLEN, execve(2)): some thousand sockets. */
const maxPartChars = 100_000

/** The note as JSON; what one variable does not hold goes on in `…_2`, `…_3`. */
export function noteVariables(note: HandoverNote): Record<string, string> {
  // As many bytes as characters.
  const text = JSON.stringify(note).replace(
    /[^ -~]/g,
    (other) => `\\u${other.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const variables: Record<string, string> = {}
  for (let part = 1; (part - 1) * maxPartChars < text.length; part++) {
    variables[nameOf(part)] = text.slice((part - 1) * maxPartChars, part * maxPartChars)
  }
  return variables
}

/** Takes the note out of an environment; null = there is none. */
export function takeNote(env: Environment): HandoverNote | null {
  let text = ''
  for (let part = 1; ; part++) {
    const more = env[nameOf(part)]
    if (more === undefined) break
    delete env[nameOf(part)]
    text += more
  }
  return text === '' ? null : (JSON.parse(text) as HandoverNote)
}

function nameOf(part: number): string {
  return part === 1 ? variable : `${variable}_${part}`
}
