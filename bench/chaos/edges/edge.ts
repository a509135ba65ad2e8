import type { Running } from '../../macro/processes.ts'

/** What stands in front of the instances. */
export interface EdgeSetting {
  readonly port: number
  /** Of Tidegate's admin API; the others have none. */
  readonly adminPort: number
  /** `host:port` of the instances; Tidegate has them from Consul. */
  readonly instances: readonly string[]
  readonly consul: string
  readonly service: string
  readonly engine: 'fast' | 'standard'
  /** Tidegate's keys of the service, in place of the defaults. */
  readonly serviceKeys: Readonly<Record<string, unknown>>
  /** Files and sockets that it may have open; null: what this process may. */
  readonly maxOpenFiles: number | null
  /** A FIFO for Tidegate's log, with a line for each request; null: a file, with none. */
  readonly logPipe: string | null
  /** Of its own, for configuration and output. */
  readonly directory: string
}

export type Launch = (command: string, args: readonly string[]) => Running

export interface Edge {
  /** Null, or why it can't run here. */
  available(): string | null
  version(): string
  start(setting: EdgeSetting, launch: Launch): Running
}
