import type { ServiceConfig } from '@grpc/grpc-js'

/** A server that fails half of its calls is left out, as are those that fail far more than the others. */
const outlierDetection = {
  interval: { seconds: 1, nanos: 0 },
  base_ejection_time: { seconds: 30, nanos: 0 },
  max_ejection_time: { seconds: 300, nanos: 0 },
  max_ejection_percent: 50,
  failure_percentage_ejection: { threshold: 50, enforcement_percentage: 100, minimum_hosts: 2, request_volume: 5 },
  child_policy: [{ round_robin: {} }],
}

/**
 * What a channel gets that names none: without a policy, grpc-js sends every call to the first server. No retries: a call that had been sent
 * may have been done, and gRPC does not know which methods may be repeated; one that never left is sent again by grpc-js itself.
 */
export const defaultServiceConfig = {
  loadBalancingConfig: [{ outlier_detection: outlierDetection }],
  methodConfig: [],
} as unknown as ServiceConfig
