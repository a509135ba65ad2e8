import type { SecureServerOptions } from 'node:http2'
import { onTestFinished } from 'vitest'
import { loopbackCertificate } from './consul-discovery.ts'
import {
  type ScriptedRegistry,
  type ScriptedReply,
  type ScriptedRequest,
  serviceRow,
  startScriptedRegistry,
} from './scripted-registry.ts'

/** Plays an agent that has one instance of each service, all under one index that the test moves. */
export class MovingAgent {
  /** Blocking queries that wait, each with what answers it. */
  readonly waiting = new Map<ScriptedRequest, () => void>()
  readonly requests: ScriptedRequest[] = []
  #onChange: () => void = () => {}
  #index = 1

  readonly script = async (request: ScriptedRequest): Promise<ScriptedReply> => {
    this.requests.push(request)
    const over = Promise.withResolvers<void>()
    if (request.index === String(this.#index)) this.waiting.set(request, over.resolve)
    else over.resolve()
    request.gone.addEventListener('abort', () => over.resolve())
    this.#onChange()
    await over.promise
    this.waiting.delete(request)
    this.#onChange()
    const id = `${request.path.split('/').at(-1)}-${this.#index}`
    return { index: this.#index, body: request.path.startsWith('/v1/catalog') ? {} : [serviceRow({ id })] }
  }

  /** Resolves when so many queries wait. */
  async untilWaiting(count: number): Promise<void> {
    while (this.waiting.size !== count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onChange = resolve
      await promise
    }
  }

  get waitingPaths(): readonly string[] {
    return [...this.waiting.keys()].map(({ path }) => path).toSorted()
  }

  /** Everything has changed; whoever waits is answered. */
  move(): void {
    this.#index++
    for (const answer of this.waiting.values()) answer()
  }
}

/** By TLS, until the test is over. */
export async function startMovingAgent(
  secure: SecureServerOptions & { readonly isWithoutH2?: boolean } = {},
  port = 0,
): Promise<{ readonly agent: MovingAgent; readonly registry: ScriptedRegistry }> {
  const agent = new MovingAgent()
  const registry = await startScriptedRegistry(agent.script, { ...loopbackCertificate, ...secure }, port)
  onTestFinished(async () => registry.close())
  return { agent, registry }
}
