import type { Question, StringAnswer } from 'dns-packet'

/** A question, and what its asker knows already and need not be told (RFC 6762 section 7.1). */
export interface Ask {
  readonly question: Question
  readonly known: readonly StringAnswer[]
}

/** What fits in an Ethernet frame, with room for the headers. */
const maxMessageBytes = 1400
/** Type, class, TTL and length of a record; the names are not compressed. */
const fixedBytes = 12

/** As few messages as hold them. A question's known answers go with it as far as they fit: who is left out answers once more. */
export function messagesOf(asks: readonly Ask[]): { questions: Question[]; answers: StringAnswer[] }[] {
  const messages: { questions: Question[]; answers: StringAnswer[] }[] = []
  let roomBytes = 0
  for (const { question, known } of asks) {
    const answers: StringAnswer[] = []
    let bytes = sizeOf(question.name)
    for (const answer of known) {
      const size = sizeOf(answer.name) + Buffer.byteLength(answer.data)
      if (bytes + size > maxMessageBytes) break
      bytes += size
      answers.push(answer)
    }
    if (bytes > roomBytes) {
      messages.push({ questions: [], answers: [] })
      roomBytes = maxMessageBytes
    }
    messages.at(-1)?.questions.push(question)
    messages.at(-1)?.answers.push(...answers)
    roomBytes -= bytes
  }
  return messages
}

/** One ask per question; an answer is known only if all of its askers know it. */
export function merged(asks: readonly Ask[]): Ask[] {
  const byQuestion = new Map<string, Ask>()
  for (const ask of asks) {
    const key = `${ask.question.type} ${ask.question.name}`
    const other = byQuestion.get(key)
    if (other === undefined || ask.known.length < other.known.length) byQuestion.set(key, ask)
  }
  return [...byQuestion.values()]
}

function sizeOf(name: string): number {
  return Buffer.byteLength(name) + 2 + fixedBytes
}
