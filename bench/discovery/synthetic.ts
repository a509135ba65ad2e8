import type { Instance } from '../../src/core/instance.ts'
import type { Answer, Discovery } from '../../src/discovery/contract.ts'
import { AnswerBox } from '../../src/discovery/answer-box.ts'

/** Services and instances that exist only here, and change when they are told to. */
export class SyntheticRegistry implements Discovery {
  readonly #perService: number
  readonly #lists = new Map<string, readonly Instance[]>()
  readonly #boxes = new Map<string, AnswerBox>()
  #changes = 0

  constructor(perService: number) {
    this.#perService = perService
  }

  async *watch(service: string, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    const box = new AnswerBox()
    signal.addEventListener('abort', () => box.cancel(), { once: true })
    this.#boxes.set(service, box)
    this.#answer(service, box)
    yield* box.answers()
  }

  async close(): Promise<void> {
    for (const box of this.#boxes.values()) box.cancel()
  }

  /** Replaces one instance of a service by another. */
  change(service: string): void {
    const list = this.#listOf(service)
    const port = 10_000 + (++this.#changes % 50_000)
    const changed = list.with(this.#changes % list.length, instanceAt('10.255.0.1', port))
    this.#lists.set(service, changed)
    const box = this.#boxes.get(service)
    if (box !== undefined) this.#answer(service, box)
  }

  #answer(service: string, box: AnswerBox): void {
    // Every answer of a registry is parsed anew: nothing in it is the object of the one before.
    box.put({ instances: structuredClone(this.#listOf(service)), position: null, mayHaveForgotten: false })
  }

  #listOf(service: string): readonly Instance[] {
    let list = this.#lists.get(service)
    if (list === undefined) {
      const number = this.#lists.size
      const host = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`
      list = Array.from({ length: this.#perService }, (_, i) => instanceAt(host, 20_000 + i))
      this.#lists.set(service, list)
    }
    return list
  }
}

function instanceAt(host: string, port: number): Instance {
  const meta = { protocol: 'http', server: 'http', registry: 'consul' }
  return {
    id: `instance-${host}-${port}`,
    node: 'node-1',
    host,
    port,
    weight: 1,
    zone: 'zone-a',
    version: '1.0.0',
    tags: ['blue', 'primary'],
    meta,
    status: 'passing',
  }
}
