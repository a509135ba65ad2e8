import { type ChannelOptions, experimental, Metadata, type ServiceConfig, status } from '@grpc/grpc-js'
import type { Instance } from '../../core/instance.ts'
import { FollowedService } from '../find/followed-service.ts'
import { type Target, targetOf } from '../find/target.ts'
import { adaptListener, type ResolutionListener } from './listener.ts'

export interface ResolverSettings {
  /** For channels that have none of their own; null = grpc-js's default. */
  readonly serviceConfig: ServiceConfig | null
}

/** The part of grpc-js's type of that name that it does not export. */
type ResolverConstructor = Parameters<typeof experimental.registerResolver>[1]
type Listener = experimental.ResolverListener
type Uri = experimental.GrpcUri

/**
 * A resolver class for one scheme of target URIs. Its instances follow the service for as long as their channel is in use: an outage keeps
 * the last list, and an empty list is doubted before it is believed, since a channel with no address fails every call at once.
 */
export function resolverFor(scheme: string, settings: ResolverSettings): ResolverConstructor {
  return class extends RegistryResolver {
    constructor(uri: Uri, listener: Listener, options: ChannelOptions) {
      super(uri, listener, options, scheme, settings)
    }
  }
}

class RegistryResolver implements experimental.Resolver {
  readonly #target: Target
  readonly #listener: ResolutionListener
  readonly #config: ServiceConfig | null
  #followed: FollowedService | null = null
  #list: readonly Instance[] | null = null
  #failure: Error | null = null
  #isInUse = false
  #isTelling = false

  /** @throws Error where the target names no service: the channel can't be made */
  constructor(uri: Uri, listener: Listener, options: ChannelOptions, scheme: string, settings: ResolverSettings) {
    this.#target = requireTarget(uri, scheme)
    this.#listener = adaptListener(listener)
    // grpc-js takes a channel's own only where the resolver has none.
    this.#config = options['grpc.service_config'] === undefined ? settings.serviceConfig : null
  }

  /** Names the service, for TLS and for the `:authority` of calls. */
  static getDefaultAuthority(uri: Uri): string {
    return requireTarget(uri, uri.scheme ?? '').service.replace(/^\/+/, '')
  }

  /**
   * Called at the start, after idleness, and whenever a connection fails: what is known is told again, at most once per turn of
   * the event loop. The registry tells changes by itself.
   */
  updateResolution(): void {
    this.#isInUse = true
    this.#followed ??= this.#follow()
    if (this.#list !== null || this.#failure !== null) this.#tellSoon()
  }

  /** What is known is kept: a channel that comes back from idleness has it at once. */
  destroy(): void {
    const followed = this.#followed
    this.#followed = null
    this.#isInUse = false
    void followed?.stop()
  }

  /** A listener must not be called from within its channel's call. */
  #tellSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      if (this.#isInUse) this.#tell()
    })
  }

  /** Null where the target makes no sense: that is told as a failure of calls, since nobody catches what is thrown here. */
  #follow(): FollowedService | null {
    const onLost = (error: Error): void => {
      this.#failure = error
      this.#tellSoon()
    }
    try {
      return new FollowedService({
        target: this.#target,
        onList: (instances) => {
          this.#list = instances
          this.#failure = null
          this.#tellSoon()
        },
        onLost,
      })
    } catch (error) {
      onLost(error instanceof Error ? error : new Error(String(error)))
      return null
    }
  }

  #tell(): void {
    if (this.#list !== null) this.#listener.resolved(endpointsOf(this.#list), this.#config)
    // By an empty list alone calls without a deadline would wait for ever: round robin takes it for idleness.
    if (this.#list?.length === 0) this.#tellFailure(`no instance of ${this.#target.service} is registered and well`)
    else if (this.#list === null && this.#failure !== null) this.#tellFailure(this.#failure.message)
  }

  #tellFailure(details: string): void {
    this.#listener.failed({ code: status.UNAVAILABLE, details, metadata: new Metadata() })
  }
}

function endpointsOf(instances: readonly Instance[]): experimental.Endpoint[] {
  return instances.map(({ host, port }) => ({ addresses: [{ host, port }] }))
}

function requireTarget({ authority = '', path }: Uri, scheme: string): Target {
  const target = targetOf(scheme, authority, path)
  if (target !== null) return target
  throw new Error(`${scheme}://${authority}/${path} names no service; write ${scheme}:///SERVICE`)
}
