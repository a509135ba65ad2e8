import { EventEmitter, once } from 'node:events'

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string }

/** Shorter than a test may take, so that it says what it waited for. */
const deadlineMs = 120_000

/** The log of a running gateway, read while it is written. Every decision is a line, so tests wait for lines, not for time. */
export class LogLines {
  readonly lines: LogLine[] = []
  #partial = ''
  readonly #events = new EventEmitter().setMaxListeners(0)

  append(text: string): void {
    const complete = (this.#partial + text).split('\n')
    this.#partial = complete.pop() ?? ''
    for (const line of complete) if (line !== '') this.lines.push(JSON.parse(line) as LogLine)
    if (complete.length > 0) this.#events.emit('change')
  }

  /** Nothing more comes: whoever waits looks a last time. */
  end(): void {
    this.#events.emit('change')
  }

  /**
   * What `probe` finds; it looks now and after every change of the log.
   *
   * @param what for the error when it is not found in time
   */
  async until<T>(what: string, probe: () => T | null | undefined | false | Promise<T | null | undefined | false>) {
    const deadline = AbortSignal.timeout(deadlineMs)
    for (;;) {
      const change = once(this.#events, 'change', { signal: deadline })
      // Not to be lost while the probe looks.
      change.catch(() => {})
      const found = await probe()
      if (found !== null && found !== undefined && found !== false) return found
      try {
        await change
      } catch {
        throw new Error(
          `waited in vain for: ${what}\n${this.lines
            .slice(-20)
            .map((line) => JSON.stringify(line))
            .join('\n')}`,
        )
      }
    }
  }

  async line(msg: string): Promise<LogLine> {
    return this.until(`the log line "${msg}"`, () => this.lines.find((line) => line.msg === msg))
  }
}
