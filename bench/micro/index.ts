import { accessLog } from './access-log.ts'
import { answerTimes } from './answer-times.ts'
import type { Suite } from './benchmark.ts'
import { feedback } from './feedback.ts'
import { match } from './match.ts'
import { normalize } from './normalize.ts'
import { pick, rebuild } from './pick.ts'
import { requestHead } from './request-head.ts'
import { requestWrite } from './request-write.ts'
import { responseHead } from './response-head.ts'
import { responseWrite } from './response-write.ts'

/** In the order in which a request meets them; the keys select them on the command line. */
export const suites = {
  'request-head': requestHead,
  normalize,
  match,
  pick,
  rebuild,
  'request-write': requestWrite,
  'response-head': responseHead,
  'response-write': responseWrite,
  feedback,
  'answer-times': answerTimes,
  'access-log': accessLog,
} as const satisfies Readonly<Record<string, Suite>>

export type SuiteName = keyof typeof suites

export function isSuiteName(name: string): name is SuiteName {
  return Object.hasOwn(suites, name)
}
