import { experimental, type ServiceConfig } from '@grpc/grpc-js'
import { sources } from '../find/sources.ts'
import { resolverFor } from './resolver.ts'
import { defaultServiceConfig } from './service-config.ts'

export interface ResolversOptions {
  /**
   * For channels without a service config of their own (`grpc.service_config`). Default: round robin with outlier detection. null = that of grpc-js, which sends every call to the first server.
   */
  readonly serviceConfig?: ServiceConfig | null
}

/**
 * Teaches the `@grpc/grpc-js` of this process to find services in registries: `consul:///user-service`,
 * `consul://127.0.0.1:8500/user-service?tag=v2`, `etcd:////micro/services/user-service`, `mdns://micro./user-service`, `tidegate:///…` (the embedded registry).
 * Once per process, before channels are made.
 */
export function registerResolvers({ serviceConfig = defaultServiceConfig }: ResolversOptions = {}): void {
  for (const scheme of Object.keys(sources)) {
    experimental.registerResolver(scheme, resolverFor(scheme, { serviceConfig }))
  }
}
