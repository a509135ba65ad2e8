import type { IncomingMessage, ServerResponse } from 'node:http'
import { durationOption } from '../duration-option.ts'
import { RegisterError } from '../register-error.ts'
import type { DurationInput } from '../register-options.ts'
import type { HealthReport } from '../registration.ts'
import { type CheckFunction, type CheckOptions, type CheckResult, type HealthStatus, RunningCheck } from './check.ts'
import { bodyOf, type HealthState, worst } from './state.ts'

export interface HealthOptions {
  /** Dependencies without which the service can't work, by name. */
  readonly checks?: Readonly<Record<string, CheckFunction | CheckOptions>>
  /** What tells that the process itself has to be started anew: for liveness only. Default: that it answers is enough. */
  readonly liveness?: Readonly<Record<string, CheckFunction | CheckOptions>>
  /** For each check that names none. Default `2s`. */
  readonly timeout?: DurationInput
  /** How long a result is good for all who ask. Default `1s`; 0 asks each time, but never two at once. */
  readonly cacheFor?: DurationInput
  /** The status code of `warn`. Default 200; 429 is what Consul's HTTP checks take for a warning. */
  readonly warnCode?: 200 | 429
  /** Shown in the answer. */
  readonly version?: string
}

/** What an answer to `/health` is made of. */
export interface HealthAnswer {
  readonly code: 200 | 429 | 503
  /** `application/health+json`. */
  readonly body: string
}

const paths = { '/health': 'readiness', '/readyz': 'readiness', '/livez': 'liveness' } as const
const headers = { 'content-type': 'application/health+json', 'cache-control': 'no-store' }

/**
 * The health of a service: its dependencies looked at side by side, each for no longer than its timeout, and the result kept for a moment
 * so that any number of callers costs one look. Give it to `register({ health })`, and a path of the server to one of its handlers.
 * @throws RegisterError `invalid`
 */
export function health(options: HealthOptions = {}): Health {
  return new Health(options)
}

export class Health {
  readonly #readiness: Group
  readonly #liveness: Group
  readonly #warnCode: 200 | 429
  readonly #version: string | null
  #isLeaving = false
  readonly #leavingListeners = new Set<() => void>()

  constructor(options: HealthOptions) {
    const timeoutMs = durationOption('timeout', options.timeout, 2000)
    const cacheMs = durationOption('cacheFor', options.cacheFor, 1000)
    this.#readiness = new Group(options.checks ?? {}, timeoutMs, cacheMs)
    this.#liveness = new Group(options.liveness ?? {}, timeoutMs, cacheMs)
    this.#warnCode = options.warnCode ?? 200
    this.#version = options.version ?? null
  }

  /** Whether the service can work; `fail` as well from `leaving()` on. */
  async readiness(): Promise<HealthState> {
    if (this.#isLeaving) return { status: 'fail', output: 'leaving', checks: {} }
    return this.#readiness.look()
  }

  /** Whether the process is alive; a dependency's failure is no reason to start it anew. */
  async liveness(): Promise<HealthState> {
    return this.#liveness.look()
  }

  /** From now on not ready, whatever the checks say: the instance is going to stop. */
  leaving(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    for (const listener of this.#leavingListeners) listener()
  }

  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** Called once, when the instance is going to stop. @returns takes that back */
  onLeaving(listener: () => void): () => void {
    this.#leavingListeners.add(listener)
    return () => void this.#leavingListeners.delete(listener)
  }

  /** For `register({ health })`: the status and a note with what is wrong, as a registry shows it. */
  async report(): Promise<HealthReport> {
    const state = await this.readiness()
    const status = ({ pass: 'passing', warn: 'warning', fail: 'critical' } as const)[state.status]
    const bad = Object.entries(state.checks).filter(([, check]) => check.status !== 'pass')
    const notes = bad.map(([name, { status: word, output }]) => `${name}: ${output ?? word}`)
    return { status, note: [state.output, ...notes].filter((note) => note !== undefined).join('; ') }
  }

  /** For any server: the answer to a path, or null where the path is none of `/health`, `/readyz` (both readiness) and `/livez`. */
  async answer(path: string): Promise<HealthAnswer | null> {
    if (!Object.hasOwn(paths, path)) return null
    const kind = paths[path as keyof typeof paths]
    const state = await (kind === 'readiness' ? this.readiness() : this.liveness())
    const code = state.status === 'fail' ? 503 : state.status === 'warn' ? this.#warnCode : 200
    return { code, body: bodyOf(state, this.#version) }
  }

  /**
   * For node:http, Connect and Express: `app.use(h.handler)`, or `createServer(h.handler)`. Other paths are left to `next`; without one they
   * are 404.
   */
  readonly handler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void => {
    const path = pathOf(request.url ?? '/')
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    void (isRead ? this.answer(path) : Promise.resolve(null)).then((answer) => {
      if (answer !== null) return response.writeHead(answer.code, headers).end(answer.body)
      return next === undefined ? response.writeHead(404).end() : next()
    })
  }

  /** For servers that take a Request and give a Response (Hono, Bun, Deno, service workers): null where the path is not about health. */
  readonly fetch = async (request: Request): Promise<Response | null> => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const answer = isRead ? await this.answer(new URL(request.url).pathname) : null
    return answer === null ? null : new Response(answer.body, { status: answer.code, headers })
  }

  /** For Hono: `app.use(h.hono)`. */
  readonly hono = async (context: { readonly req: { readonly raw: Request } }, next: () => Promise<void>) => {
    const response = await this.fetch(context.req.raw)
    if (response !== null) return response
    return next()
  }

  /** A plugin for Fastify: `fastify.register(h.fastify)`. */
  readonly fastify = async (instance: FastifyLike): Promise<void> => {
    for (const path of Object.keys(paths)) {
      instance.get(path, async (_, reply) => {
        // Bytes: to a text Fastify adds a charset, which the media type has not.
        const answer = await this.answer(path)
        return reply
          .code(answer?.code ?? 404)
          .headers(headers)
          .send(Buffer.from(answer?.body ?? ''))
      })
    }
  }
}

/** As much of Fastify as is used. */
interface FastifyLike {
  get(path: string, handler: (request: unknown, reply: FastifyReplyLike) => Promise<unknown>): unknown
}

interface FastifyReplyLike {
  code(status: number): FastifyReplyLike
  headers(fields: Record<string, string>): FastifyReplyLike
  send(body: unknown): unknown
}

/** Checks that are looked at together. */
class Group {
  readonly #checks: readonly (readonly [string, RunningCheck])[]
  readonly #cacheMs: number
  #looking: Promise<HealthState> | null = null
  #last: { readonly state: HealthState; readonly untilMs: number } | null = null

  constructor(checks: Readonly<Record<string, CheckFunction | CheckOptions>>, timeoutMs: number, cacheMs: number) {
    this.#cacheMs = cacheMs
    this.#checks = Object.entries(checks).map(([name, given]) => {
      const { check, timeout, failsAs = 'fail' } = typeof given === 'function' ? { check: given } : given
      if (typeof check !== 'function') throw new RegisterError('invalid', `the check \`${name}\` is no function`)
      const own = { timeoutMs: durationOption(`checks.${name}.timeout`, timeout, timeoutMs), failsAs }
      return [name, new RunningCheck(check, own)] as const
    })
  }

  look(): Promise<HealthState> {
    if (this.#last !== null && performance.now() < this.#last.untilMs) return Promise.resolve(this.#last.state)
    this.#looking ??= this.#lookNow().finally(() => (this.#looking = null))
    return this.#looking
  }

  async #lookNow(): Promise<HealthState> {
    const results = await Promise.all(
      this.#checks.map(async ([name, check]): Promise<[string, CheckResult]> => [name, await check.run()]),
    )
    const status: HealthStatus = worst(results.map(([, result]) => result.status))
    const state = { status, checks: Object.fromEntries(results) }
    this.#last = { state, untilMs: performance.now() + this.#cacheMs }
    return state
  }
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
