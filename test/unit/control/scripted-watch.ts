import type { Instance } from '../../../src/core/instance.ts'
import type { Answer, Discovery } from '../../../src/discovery/contract.ts'

export function instance(id: string, overrides: Partial<Instance> = {}): Instance {
  const port = 9000 + (Number(/\d+$/.exec(id)?.[0]) || 0)
  return {
    id,
    node: 'n1',
    host: '10.0.0.1',
    port,
    weight: 1,
    zone: '',
    version: '',
    tags: [],
    meta: {},
    status: 'passing',
    ...overrides,
  }
}

export function answer(instances: readonly Instance[], overrides: Partial<Answer> = {}): Answer {
  return { instances, position: null, mayHaveForgotten: false, ...overrides }
}

type Step = { readonly answer: Answer } | { readonly error: Error } | { readonly end: true }

/**
 * A watch that the test speaks for. All that are open hear the same; what one has not heard when it ends is for the next.
 */
export class ScriptedWatch {
  readonly #open = new Set<{ steps: Step[]; wake: () => void }>()
  #unheard: Step[] = []

  says(given: Answer): void {
    this.#push({ answer: given })
  }

  fails(message = 'connection refused'): void {
    this.#push({ error: new Error(message) })
  }

  ends(): void {
    this.#push({ end: true })
  }

  async *run(signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    const own = { steps: this.#unheard, wake: () => {} }
    const wake = () => own.wake()
    this.#unheard = []
    this.#open.add(own)
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const step = own.steps.shift()
        if (step === undefined) {
          await new Promise<void>((resolve) => (own.wake = resolve))
          continue
        }
        if ('end' in step) return
        if ('error' in step) throw step.error
        yield step.answer
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.#open.delete(own)
      if (this.#open.size === 0) this.#unheard = own.steps
    }
  }

  #push(step: Step): void {
    if (this.#open.size === 0) this.#unheard.push(step)
    for (const { steps, wake } of this.#open) {
      steps.push(step)
      wake()
    }
  }
}

/** A discovery whose watches, by service, the test speaks for; a service keeps its script over re-opening. */
export class ScriptedDiscovery implements Discovery {
  readonly opened: string[] = []
  closed = false
  readonly #watches = new Map<string, ScriptedWatch>()

  of(service: string): ScriptedWatch {
    const watch = this.#watches.get(service) ?? new ScriptedWatch()
    this.#watches.set(service, watch)
    return watch
  }

  watch(service: string, signal: AbortSignal): AsyncIterable<Answer> {
    this.opened.push(service)
    return this.of(service).run(signal)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}
