import type { ControlConfig, ServiceEntry, ServiceSource, SourceEntry } from '../../../src/control/control-config.ts'
import { ControlPlane } from '../../../src/control/control-plane.ts'
import type { ControlProblem } from '../../../src/control/problem.ts'
import { Timeline } from '../../../src/control/timeline.ts'
import type { SkippedEntry } from '../../../src/discovery/contract.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { ControlMessage } from '../../../src/core/message.ts'
import type { PublishedEndpoint } from '../../../src/core/snapshot.ts'
import type { CheckResult, CheckTarget } from '../../../src/health/check-probe.ts'
import type { ConnectResult } from '../../../src/health/connect-probe.ts'
import { FakeClock } from './fake-clock.ts'
import { ScriptedDiscovery } from './scripted-watch.ts'
import { retryRule } from '../../support/retry-rule.ts'
import { serviceSettings } from '../../support/service.ts'

/** A source of a service; `users` there, unless it is said otherwise. */
export function from(source: string, name = 'users', weightPercent = 100): ServiceSource {
  return { source, name, weightPercent }
}

export function service(key: string, overrides: Partial<ServiceEntry> = {}): ServiceEntry {
  const { name: _, slot: __, spillBelowPercent: ___, ...settings } = serviceSettings(key, 0)
  return {
    key,
    from: [from('reg', key)],
    subset: null,
    zone: null,
    ...settings,
    holdMs: 600_000,
    healthCheck: null,
    slowStartMs: null,
    ...overrides,
  }
}

/** A configuration that routes every one of the services. */
export function config(
  services: readonly ServiceEntry[],
  discovery: readonly SourceEntry[] = [{ name: 'reg', type: 'scripted' }],
): ControlConfig<SourceEntry> {
  const routes = services.map(({ key }) => ({
    id: `/${key}`,
    host: null,
    path: `/${key}`,
    methods: null,
    headers: [],
    service: key,
    stripPrefix: false,
    prependPath: null,
    rewriteHost: false,
    access: null,
    redirect: null,
    origin: null,
    timeoutMs: 30_000,
    retry: retryRule(),
  }))
  return { discovery, services, routes, listeners: [], log: { access: true } }
}

/** The instance's name in an endpoint's id. */
function nameIn(id: string): string {
  return /([^/]+)@/.exec(id)?.[1] ?? ''
}

/** A control plane over scripted registries, with one data thread that acknowledges at once unless it is told to stall. */
export function makeControlPlane({ stateDir = null as string | null } = {}) {
  const clock = new FakeClock()
  const ledger = Ledger.create(1, clock.now())
  const timeline = new Timeline({ clock })
  const registry = new ScriptedDiscovery()
  const discoveries: ScriptedDiscovery[] = []
  const problems: ControlProblem[] = []
  /** By the source's name: what it tells of entries that it leaves out. */
  const skips = new Map<string, (entry: SkippedEntry) => void>()
  const connects = { answer: 'accepted' as ConnectResult }
  /** Answers by port; else they pass. */
  const checks = { answers: new Map<number, CheckResult | Promise<CheckResult>>(), asked: [] as CheckTarget[] }
  const control = new ControlPlane<SourceEntry>({
    ledger,
    clock,
    timeline,
    stateDir,
    random: () => 0.5,
    probe: () => Promise.resolve(connects.answer),
    checkProbe: (target) => {
      checks.asked.push(target)
      return Promise.resolve(checks.answers.get(target.port) ?? { verdict: 'passed', cause: 'it passes' })
    },
    createDiscovery: ({ name, type }, onSkipped) => {
      skips.set(name, onSkipped)
      if (type === 'broken') throw new Error('this source can not be made')
      const discovery = discoveries.length === 0 ? registry : new ScriptedDiscovery()
      discoveries.push(discovery)
      return discovery
    },
    resolve: (answers) => answers,
    onProblem: (problem) => problems.push(problem),
  })

  const thread = { stalls: false, lists: new Map<string, readonly PublishedEndpoint[]>(), sent: [] as string[] }
  const acknowledge = (message: ControlMessage) => {
    if (message.type === 'config') control.publisher.configAcknowledged(0, message.snapshot.version)
    if (message.type !== 'service') return
    control.publisher.acknowledged(0, message.published.service, message.published.version)
  }
  const waiting: ControlMessage[] = []
  control.publisher.addThread(0, (message) => {
    thread.sent.push(message.type === 'service' ? message.published.service : message.type)
    if (message.type === 'service') {
      const { service: key, endpoints } = message.published
      const before = new Map(thread.lists.get(key)?.map((each) => [each.slot, each]))
      const whole = endpoints.map((each) => (typeof each === 'number' ? before.get(each) : each))
      thread.lists.set(key, whole as readonly PublishedEndpoint[])
    }
    if (thread.stalls) waiting.push(message)
    else acknowledge(message)
  })

  const resume = () => {
    thread.stalls = false
    for (const message of waiting.splice(0)) acknowledge(message)
  }
  /** `a-1 passing` … as the data thread has them. */
  const served = (key: string) => (thread.lists.get(key) ?? []).map(({ id, registry: word }) => `${nameIn(id)} ${word}`)
  /** Types and endpoints of the decisions, oldest first. */
  const story = () =>
    timeline
      .events()
      .toReversed()
      .map(({ type, endpoint }) => (endpoint === null ? type : `${type} ${nameIn(endpoint)}`))

  /** `registry` is the first source that is made. */
  return {
    clock,
    ledger,
    timeline,
    registry,
    discoveries,
    problems,
    skips,
    connects,
    checks,
    control,
    thread,
    resume,
    served,
    story,
  }
}
