import type { ServiceEntry } from '../../control/control-config.ts'
import type { RouteRule } from '../../core/route.ts'
import { balancers } from '../../balance/index.ts'
import { didYouMean } from '../../util/suggest.ts'
import { durationOption } from '../duration-option.ts'
import { RegisterError } from '../register-error.ts'
import type { ClientOptions } from './client-options.ts'

/** The one source of a client's control plane. */
export const sourceName = 'registry'

/** Typed by what it has to name, so that none is forgotten. */
const knownKeys = Object.keys({
  registry: true,
  tag: true,
  version: true,
  balancer: true,
  timeout: true,
  connectTimeout: true,
  headTimeout: true,
  idleTimeout: true,
  retry: true,
  outlier: true,
  scheme: true,
} satisfies Record<keyof ClientOptions, true>)

/** There is nothing of a call that it could hash. */
const balancerNames = Object.keys(balancers).filter((name) => name !== 'consistent-hash')

/** @throws RegisterError `invalid`, with the option that makes no sense */
export function checkClientOptions(options: ClientOptions): void {
  for (const key of Object.keys(options)) {
    if (!knownKeys.includes(key)) throw invalid(`there is no option \`${key}\``, key, knownKeys)
  }
  const { balancer } = options
  if (balancer === undefined || balancerNames.includes(balancer)) return
  throw invalid(`there is no balancer ${JSON.stringify(balancer)} for a client`, balancer, balancerNames)
}

function invalid(message: string, given: string, known: readonly string[]): RegisterError {
  const hint = didYouMean(given, known).hint ?? `there is ${known.join(', ')}`
  return new RegisterError('invalid', `${message}; ${hint}`)
}

/**
 * The service as a gateway's configuration would have it; the defaults are the gateway's.
 * @throws RegisterError `invalid`
 */
export function serviceEntryOf(name: string, options: ClientOptions): ServiceEntry {
  const { outlier = {}, balancer = 'round-robin', scheme = 'http', tag, version } = options
  return {
    key: name,
    from: [{ source: sourceName, name, weightPercent: 100 }],
    subset:
      tag === undefined && version === undefined
        ? null
        : { tags: tag === undefined ? [] : [tag], version: version ?? null, filter: null },
    zone: null,
    balancer,
    hash: null,
    outlier: {
      consecutiveFailures: outlier.consecutiveFailures ?? 5,
      baseEjectionMs: durationOption('outlier.baseEjection', outlier.baseEjection, 30_000),
      maxEjectionMs: 300_000,
      maxEjectedPercent: outlier.maxEjectedPercent ?? 50,
      successRate: null,
    },
    connectTimeoutMs: durationOption('connectTimeout', options.connectTimeout, 2000),
    headTimeoutMs: durationOption('headTimeout', options.headTimeout, 15_000),
    idleTimeoutMs: durationOption('idleTimeout', options.idleTimeout, 300_000),
    retryBudget: { percent: 20, perSecond: 10 },
    limits: null,
    tls: scheme === 'https' ? { ca: null, servername: null, keyPair: null, verify: true } : null,
    holdMs: 600_000,
    healthCheck: null,
    slowStartMs: null,
  }
}

/** @throws RegisterError `invalid` */
export function routeRuleOf(name: string, { timeout, retry = {} }: ClientOptions): RouteRule {
  return {
    id: name,
    host: null,
    path: '/',
    methods: null,
    headers: [],
    service: name,
    stripPrefix: false,
    prependPath: null,
    rewriteHost: true,
    timeoutMs: durationOption('timeout', timeout, 30_000),
    retry: {
      attempts: retry.attempts ?? 1,
      connect: true,
      reset: true,
      headTimeout: false,
      statuses: retry.statuses ?? [],
      perTryMs: null,
    },
    access: null,
    redirect: null,
    origin: null,
  }
}
