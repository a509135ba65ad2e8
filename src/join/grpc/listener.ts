import { experimental, type ServiceConfig, type StatusObject } from '@grpc/grpc-js'

type Endpoint = experimental.Endpoint

/** What a resolver tells its channel, whichever shape the channel's listener has. */
export interface ResolutionListener {
  resolved(endpoints: Endpoint[], config: ServiceConfig | null): void
  failed(status: StatusObject): void
}

/** The listener of grpc-js up to 1.13. */
interface OldListener {
  onSuccessfulResolution(
    addresses: Endpoint[],
    serviceConfig: ServiceConfig | null,
    serviceConfigError: null,
    configSelector: null,
    attributes: Record<string, unknown>,
  ): void
  onError(status: StatusObject): void
}

/** From 1.14 on a listener is a function; before, it was an object with two. */
export function adaptListener(listener: experimental.ResolverListener | OldListener): ResolutionListener {
  if (typeof listener === 'function') {
    const { statusOrFromValue, statusOrFromError } = experimental
    return {
      resolved: (endpoints, config) => {
        listener(statusOrFromValue(endpoints), {}, config === null ? null : statusOrFromValue(config), '')
      },
      failed: (status) => void listener(statusOrFromError(status), {}, null, ''),
    }
  }
  return {
    resolved: (endpoints, config) => listener.onSuccessfulResolution(endpoints, config, null, null, {}),
    failed: (status) => listener.onError(status),
  }
}
