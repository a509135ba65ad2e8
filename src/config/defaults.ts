/** What a service is like where neither its entry nor `defaults.service` says otherwise; in the notation of the file. */
export const serviceDefaults = {
  balancer: 'round-robin',
  hash: null,
  slowStart: null,
  protocol: 'http1',
  outlier: {
    consecutiveFailures: 5,
    baseEjection: '30s',
    maxEjection: '5m',
    maxEjectedPercent: 50,
    successRate: null,
  },
  connectTimeout: '2s',
  headTimeout: '15s',
  idleTimeout: '5m',
  retryBudget: { percent: 20, perSecond: 10 },
  maxRequests: 'auto',
  maxRequestsPerEndpoint: null,
  maxPending: null,
  pendingTimeout: '1s',
  hold: '10m',
  healthCheck: null,
  tls: null,
} as const

/** What a service's `healthCheck` leaves unsaid. */
export const healthCheckDefaults = {
  port: null,
  host: null,
  statuses: ['200-399'],
  interval: '10s',
  timeout: '5s',
  healthyAfter: 2,
  unhealthyAfter: 3,
} as const

/** The same for a route and `defaults.route`. Its `path` and `service` have no default. */
export const routeDefaults = {
  host: null,
  methods: null,
  headers: {},
  stripPrefix: false,
  prependPath: null,
  rewriteHost: false,
  timeout: '30s',
  retry: { attempts: 1, on: ['connect', 'reset'], perTry: null },
} as const
