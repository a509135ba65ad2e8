/** Where a family's values come from: the shared memory of the data threads, or the control plane's own counts. */
export type FamilySource = 'threads' | 'control'

/** One metric family of `/metrics`. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly source: FamilySource
}

/** Every family the gateway prints besides Node's own; all of them print HELP and TYPE from the start. */
export const families = [
  {
    name: 'tidegate_requests_total',
    type: 'counter',
    help: 'Requests answered, by the exact status sent; 499 where the client left first.',
    labels: ['route', 'service', 'method', 'code'],
    source: 'threads',
  },
  {
    name: 'tidegate_request_duration_seconds',
    type: 'histogram',
    help: 'Time from the first byte of a request to the end of its exchange.',
    labels: ['route', 'service'],
    source: 'threads',
  },
  {
    name: 'tidegate_upstream_requests_total',
    type: 'counter',
    help: 'Attempts sent to an instance, by the class of the status or the name of the failure.',
    labels: ['service', 'instance', 'outcome'],
    source: 'threads',
  },
  {
    name: 'tidegate_upstream_duration_seconds',
    type: 'histogram',
    help: 'Time from the start of an attempt to its response head.',
    labels: ['service'],
    source: 'threads',
  },
  {
    name: 'tidegate_endpoints',
    type: 'gauge',
    help: 'Endpoints of a service by state: eligible, ejected, unhealthy, draining.',
    labels: ['service', 'state'],
    source: 'control',
  },
  {
    name: 'tidegate_endpoint_inflight',
    type: 'gauge',
    help: 'Exchanges on their way to an instance now, over all data threads.',
    labels: ['service', 'instance'],
    source: 'control',
  },
  {
    name: 'tidegate_ejections_total',
    type: 'counter',
    help: 'Ejections of an instance by reason: connect, consecutive, success-rate, manual.',
    labels: ['service', 'instance', 'reason'],
    source: 'control',
  },
  {
    name: 'tidegate_health_disagreements',
    type: 'gauge',
    help: 'Endpoints that the registry calls passing while we see them fail, or critical while their health check passes.',
    labels: ['service', 'registry'],
    source: 'control',
  },
  {
    name: 'tidegate_retries_total',
    type: 'counter',
    help: 'Retries by how they ended: success, failure, no-budget where the budget forbade one. stale-connection: sent again at once, since a kept connection was closed as it was used.',
    labels: ['service', 'outcome'],
    source: 'threads',
  },
  {
    name: 'tidegate_rejected_total',
    type: 'counter',
    help: 'Requests turned away with overloaded: full (no place to wait), late (waited too long), memory (too little is left).',
    labels: ['service', 'reason'],
    source: 'threads',
  },
  {
    name: 'tidegate_service_inflight',
    type: 'gauge',
    help: 'Requests in flight to a service now, over all data threads.',
    labels: ['service'],
    source: 'control',
  },
  {
    name: 'tidegate_service_pending',
    type: 'gauge',
    help: 'Requests that wait for room in a service now, over all data threads.',
    labels: ['service'],
    source: 'control',
  },
  {
    name: 'tidegate_service_max_requests',
    type: 'gauge',
    help: 'Most requests that may be in flight to a service: its own limit, the one that was found, or what its eligible endpoints take together; absent without limits.',
    labels: ['service'],
    source: 'control',
  },
  {
    name: 'tidegate_discovery_age_seconds',
    type: 'gauge',
    help: "Age of a service's list: 0 while its watch is connected, else seconds since the last good answer.",
    labels: ['source', 'service'],
    source: 'control',
  },
  {
    name: 'tidegate_discovery_updates_total',
    type: 'counter',
    help: "A registry's answers by outcome: changed, same, error.",
    labels: ['source', 'service', 'outcome'],
    source: 'control',
  },
  {
    name: 'tidegate_service_lists_total',
    type: 'counter',
    help: "Lists of a service's endpoints that were sent to the data threads, which build its picker anew for each: ten a second at most.",
    labels: ['service'],
    source: 'control',
  },
  {
    name: 'tidegate_discovery_skipped_total',
    type: 'counter',
    help: "Entries of a registry that could not be used and were left out, tags that nothing could serve among them; the timeline's `skipped` and `route-skipped` name each with its reason.",
    labels: ['source', 'service'],
    source: 'control',
  },
  {
    name: 'tidegate_connections',
    type: 'gauge',
    help: 'Open downstream connections of a listener.',
    labels: ['listener'],
    source: 'threads',
  },
  {
    name: 'tidegate_tls_handshakes_total',
    type: 'counter',
    help: 'TLS handshakes of clients by outcome: full, resumed (with a session ticket), failed.',
    labels: ['listener', 'outcome'],
    source: 'threads',
  },
  {
    name: 'tidegate_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: "When a listener's certificate expires, as Unix time; the name is the first host name it is for.",
    labels: ['listener', 'name'],
    source: 'control',
  },
  {
    name: 'tidegate_errors_total',
    type: 'counter',
    help: 'Exchanges that failed, by the name of the failure.',
    labels: ['failure'],
    source: 'threads',
  },
  {
    name: 'tidegate_config_reloads_total',
    type: 'counter',
    help: 'Configuration reloads by outcome: applied, or rejected with the old configuration kept.',
    labels: ['outcome'],
    source: 'control',
  },
  {
    name: 'tidegate_workers',
    type: 'gauge',
    help: 'Data threads that run now.',
    labels: [],
    source: 'control',
  },
  {
    name: 'tidegate_worker_restarts_total',
    type: 'counter',
    help: 'Data threads that died, fell silent or ran out of memory, and were replaced.',
    labels: [],
    source: 'control',
  },
  {
    name: 'tidegate_worker_event_loop_delay_seconds',
    type: 'histogram',
    help: 'How late the event loop of a data thread was for a timer of 50 ms.',
    labels: ['worker'],
    source: 'threads',
  },
  {
    name: 'tidegate_worker_utilization',
    type: 'gauge',
    help: 'Share of the last ten seconds in which the event loop of a data thread did not wait, 0 to 1.',
    labels: ['worker'],
    source: 'control',
  },
  {
    name: 'tidegate_worker_shedding',
    type: 'gauge',
    help: 'Whether a data thread turns new requests away because memory runs out, 1 or 0.',
    labels: ['worker'],
    source: 'threads',
  },
  {
    name: 'tidegate_log_dropped_total',
    type: 'counter',
    help: 'Log lines dropped because their reader was too slow.',
    labels: [],
    source: 'control',
  },
] as const satisfies readonly Family[]

/** Families that the control plane fills; the others come from the data threads' series. */
export type ControlFamilyName = Extract<(typeof families)[number], { source: 'control' }>['name']

export type FamilyName = (typeof families)[number]['name']
