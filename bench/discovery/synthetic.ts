import type { Instance } from '../../src/core/instance.ts'
import type { Answer, Discovery } from '../../src/discovery/contract.ts'
import { AnswerBox } from '../../src/discovery/answer-box.ts'

/** Services and instances that exist only here, and change when they are told to. */
export class SyntheticRegistry implements Discovery {
  readonly #perService: number
  /** Of each service which instances it has, by port. */
  readonly #lists = new Map<string, { readonly host: string; readonly ports: Uint16Array }>()
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
    const { ports } = this.#listOf(service)
    ports[++this.#changes % ports.length] = 1024 + (this.#changes % 18_000)
    const box = this.#boxes.get(service)
    if (box !== undefined) this.#answer(service, box)
  }

  /** Made anew each time, as an answer is that is parsed: nothing in it is an object of the one before. */
  #answer(service: string, box: AnswerBox): void {
    const { host, ports } = this.#listOf(service)
    const instances = Array.from(ports, (port) => instanceAt(host, port))
    box.put({ instances, position: null, mayHaveForgotten: false })
  }

  #listOf(service: string) {
    let list = this.#lists.get(service)
    if (list === undefined) {
      const number = this.#lists.size
      const host = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`
      list = { host, ports: Uint16Array.from({ length: this.#perService }, (_, i) => 20_000 + i) }
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
