import type { ListenerTlsSettings, ClientTlsSettings } from '../../core/snapshot.ts'
import type { Problem } from '../finding.ts'
import type { FileVersion } from '../../util/file-version.ts'
import type { ParsedConfig } from '../schema.ts'
import { readListenerTls } from './listener-tls.ts'
import { PemFiles } from './pem-files.ts'
import type { Findings } from './reading.ts'
import { readServiceTls } from './service-tls.ts'

/** Everything that a configuration says of TLS, with the files that it names. */
export interface TlsParts {
  /** By the listener's place in the file. */
  readonly listeners: readonly (ListenerTlsSettings | null)[]
  /** By the service's key, of those with an entry of their own. */
  readonly services: ReadonlyMap<string, ClientTlsSettings | null>
  /** By the source's name, of those that have one. */
  readonly sources: ReadonlyMap<string, ClientTlsSettings | null>
  /** Of `defaults.service`, for all others. */
  readonly serviceDefault: ClientTlsSettings | null
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly files: readonly FileVersion[]
}

/** @param folder what relative paths are relative to */
export async function readTls(
  { listeners, discovery, services, defaults }: ParsedConfig,
  folder: string,
): Promise<TlsParts> {
  const files = new PemFiles(folder)
  const findings: Findings = { problems: [], warnings: [] }
  const reading = { files, findings }
  const ofListeners: (ListenerTlsSettings | null)[] = []
  for (const [index, { tls }] of listeners.entries()) {
    const path = ['listeners', index, 'tls']
    ofListeners.push(tls === null ? null : await readListenerTls(tls, { ...reading, path }))
  }
  const ofServices = new Map<string, ClientTlsSettings | null>()
  for (const [key, { tls }] of Object.entries(services)) {
    if (tls === undefined) continue
    const path = ['services', key, 'tls']
    ofServices.set(key, tls === null ? null : await readServiceTls(tls, { ...reading, path }))
  }
  const ofSources = new Map<string, ClientTlsSettings | null>()
  for (const [name, source] of Object.entries(discovery)) {
    if (!('tls' in source) || source.tls === null) continue
    ofSources.set(name, await readServiceTls(source.tls, { ...reading, path: ['discovery', name, 'tls'] }))
  }
  const { tls: ofDefault = null } = defaults.service
  const path = ['defaults', 'service', 'tls']
  const serviceDefault = ofDefault === null ? null : await readServiceTls(ofDefault, { ...reading, path })
  const ofAll = { listeners: ofListeners, sources: ofSources, services: ofServices, serviceDefault }
  return { ...ofAll, ...findings, files: files.versions }
}
