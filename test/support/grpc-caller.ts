import { type Client, credentials, type ChannelOptions, makeGenericClientConstructor } from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import { greeter } from '../../examples/grpc-service/greeter.ts'
import type { JoiningService } from './joining-service.ts'

/** Calls the example's service by its name; resolves to the pid of the server that answered. */
export class Caller {
  readonly #client: Client
  readonly failed: string[] = []

  constructor(target: string, options: ChannelOptions = {}) {
    const Greeter = makeGenericClientConstructor(greeter, 'Greeter')
    this.#client = new Greeter(target, credentials.createInsecure(), options)
    onTestFinished(() => this.#client.close())
  }

  get channel(): ReturnType<Client['getChannel']> {
    return this.#client.getChannel()
  }

  call(): Promise<number> {
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = greeter.Greet
      const deadline = Date.now() + 60_000
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, 'x', { deadline }, (error, answer) => {
        if (error === null) resolve(Number(/says (\d+)/.exec(answer ?? '')?.[1]))
        else reject(error)
      })
    })
  }

  /** Calls one after the other until `isOver`. @returns how many were answered by whom */
  async calls(isOver: (answers: number) => boolean): Promise<Map<number, number>> {
    const answered = new Map<number, number>()
    for (let count = 0; !isOver(count); count++) {
      try {
        const pid = await this.call()
        answered.set(pid, (answered.get(pid) ?? 0) + 1)
      } catch (error) {
        this.failed.push(String(error))
      }
    }
    return answered
  }

  /** Calls until exactly these have answered the last so many. */
  async untilServedBy(servers: readonly JoiningService[]): Promise<void> {
    const wanted = new Set(servers.map(({ pid }) => pid))
    for (;;) {
      const answered = await this.calls((count) => count === 3 * wanted.size)
      if (answered.size === wanted.size && [...answered.keys()].every((pid) => wanted.has(pid))) return
    }
  }
}
