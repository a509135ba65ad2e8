import { DecoratorHandler, Dispatcher, errors, getGlobalDispatcher } from 'undici'
import type { BalancedService } from './balanced-service.ts'
import { ClientCall } from './client-call.ts'

/**
 * undici's Dispatcher over the instances of one service. Requests for another origin (where an answer redirects to) are not the service's: the
 * global dispatcher has them.
 */
export class BalancedDispatcher extends Dispatcher {
  readonly #service: BalancedService
  readonly #origin: string

  constructor(service: BalancedService, origin: string) {
    super()
    this.#service = service
    this.#origin = origin
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { origin } = options
    if (origin !== undefined && String(origin) !== this.#origin && `${String(origin)}/` !== this.#origin) {
      return getGlobalDispatcher().dispatch(options, handler)
    }
    // Takes handlers of either of undici's interfaces for one of the newer.
    new ClientCall(this.#service, options, new DecoratorHandler(handler)).start()
    return true
  }

  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> | void {
    const closed = this.#service.close()
    if (callback === undefined) return closed
    void closed.then(callback)
  }

  override destroy(...args: unknown[]): Promise<void> {
    const callback = args.find((arg): arg is () => void => typeof arg === 'function')
    const closed = this.#service.close()
    this.#service.abort(args.find((arg) => arg instanceof Error) ?? new errors.ClientDestroyedError())
    return callback === undefined ? closed : closed.then(callback)
  }
}
