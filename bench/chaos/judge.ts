import type { Failed, Outcome } from './fault.ts'
import { lostKinds } from './load/samples.ts'

/** Each says what did not hold, in half a sentence; empty when it did. */
type Pledge = (outcome: Outcome) => readonly string[]

/** Holds under every fault. */
export const always: Pledge = ({ figures: { alien }, repeated, leftInFlight }) => [
  ...missed(alien > 0, `${alien} got the answer to another request`),
  ...missed(repeated.length > 0, `sent twice: ${repeated.slice(0, 3).join(', ')}`),
  ...missed(leftInFlight !== null && leftInFlight !== 0, `${leftInFlight} counted as in flight after the last answer`),
]

export const noneFailed: Pledge = ({ figures: { failed } }) => missed(failed > 0, `${failed} failed`)

export const noneLost: Pledge = ({ figures: { lost } }) => missed(lost > 0, `${lost} got no answer`)

/** @param kinds how requests may fail; a status alone stands for every failure with it */
export function failedOnlyAs(...kinds: readonly string[]): Pledge {
  return ({ failed }) => {
    const others = failed.filter(
      ({ kind }) => !kinds.some((allowed) => kind === allowed || kind.startsWith(`${allowed} `)),
    )
    return missed(others.length > 0, `${others.length} failed otherwise: ${kindsOf(others)}`)
  }
}

/** The gateway noticed: what was sent after the first ejection went well. Other proxies don't say when they notice. */
export const noneAfterEjection: Pledge = ({ edge, failed, ejectedMs: [ejectedMs] }) => {
  if (edge !== 'tidegate') return []
  if (ejectedMs === undefined) return missed(failed.length > 0, 'it was not ejected')
  const late = failed.filter(({ sentMs }) => !(sentMs <= ejectedMs))
  return missed(late.length > 0, `${late.length} failed that were sent after the ejection: ${kindsOf(late)}`)
}

/** At most what a client has under way at one moment, each time. */
export function failedOncePerConnection(times: number): Pledge {
  return ({ figures: { failed }, connections }) =>
    missed(failed > connections * times, `${failed} failed, with ${connections} connections`)
}

/** Only those under way when a thread ended; it was in force again for all that were sent later. */
export const onlyInFlightOfThread: Pledge = ({ failed, facts }) => {
  const others = failed.filter(({ kind }) => !(lostKinds as readonly string[]).includes(kind) && kind !== 'cut')
  const late = failed.filter(({ sentMs }) => !(sentMs <= (facts.replacedMs ?? 0)))
  return [
    ...missed(others.length > 0, `${others.length} were answered with a failure: ${kindsOf(others)}`),
    ...missed(late.length > 0, `${late.length} failed that were sent after the thread was replaced: ${kindsOf(late)}`),
  ]
}

export const noneEjected: Pledge = ({ ejectedMs }) =>
  missed(ejectedMs.length > 0, `${ejectedMs.length} ejections, for no fault of the endpoints`)

export const recovered: Pledge = ({ figures: { recoveredMs } }) =>
  missed(recoveredMs === null, 'did not recover while it was watched')

export function allOf(...pledges: readonly Pledge[]): Pledge {
  return (outcome) => pledges.flatMap((pledge) => pledge(outcome))
}

export function missed(isMissed: boolean, what: string): readonly string[] {
  return isMissed ? [what] : []
}

function kindsOf(failed: readonly Failed[]): string {
  return [...new Set(failed.map(({ kind }) => kind))].join(', ')
}
