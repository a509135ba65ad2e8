import type { CheckStatus } from '../model.ts'
import type { CheckRunner, ProbeResult, SentProbe } from './definition.ts'
import { probeGrpc } from './grpc-probe.ts'
import { probeHttp } from './http-probe.ts'
import { probeTcp } from './tcp-probe.ts'

/** Probes every `intervalMs`, the first time somewhere within it so that checks registered together spread out. */
export function startSentCheck(
  probe: SentProbe,
  outputMaxBytes: number,
  report: (status: CheckStatus, output: string) => void,
): CheckRunner {
  let isStopped = false
  let running = new AbortController()
  let successes = 0
  let failures = 0

  async function run(): Promise<void> {
    running = new AbortController()
    const { status, output } = await send(probe, outputMaxBytes, running.signal)
    if (isStopped) return
    const isFailure = status === 'critical'
    successes = isFailure ? 0 : successes + 1
    failures = isFailure ? failures + 1 : 0
    if (!isFailure && successes >= probe.successBeforePassing) report(status, output)
    else if (isFailure && failures >= probe.failuresBeforeCritical) report('critical', output)
    else if (isFailure && failures >= (probe.failuresBeforeWarning || Infinity)) report('warning', output)
    timer = setTimeout(() => void run(), probe.intervalMs)
  }

  let timer = setTimeout(() => void run(), Math.random() * probe.intervalMs)
  return {
    stop: () => {
      isStopped = true
      running.abort()
      clearTimeout(timer)
    },
  }
}

/** One probe; never rejects. */
async function send(probe: SentProbe, outputMaxBytes: number, stop: AbortSignal): Promise<ProbeResult> {
  // Go's durations have fractions of a millisecond, which AbortSignal refuses.
  const deadline = AbortSignal.timeout(Math.ceil(probe.timeoutMs))
  const until = { signal: AbortSignal.any([stop, deadline]), deadline }
  if (probe.type === 'http') return probeHttp(probe, outputMaxBytes, until)
  return probe.type === 'tcp' ? probeTcp(probe, until) : probeGrpc(probe, until)
}
