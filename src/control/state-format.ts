import { isIP } from 'node:net'
import type { Instance } from '../core/instance.ts'

const format = 'tidegate-service'
const version = 1

/** The last known good list of one source. */
export interface SavedList {
  readonly source: string
  /** What the source was asked for (see queryOf). */
  readonly registryName: string
  /** The registry's position at the last answer. */
  readonly position: number | null
  readonly instances: readonly Instance[]
  /** Ids under which endpoints were held against the registry's word. */
  readonly held: readonly string[]
}

/** What is known of one service. */
export interface SavedService extends SavedList {
  /** Key of the service. */
  readonly service: string
  /** Milliseconds since the Unix epoch. */
  readonly savedAtMs: number
  /** Of its further sources. Versions that know of one source only read the first, and pass over this. */
  readonly others?: readonly SavedList[]
}

/** `torn`: not whole; `alien`: something else; `newer`: written by a later version of this program. */
export type Unusable = 'torn' | 'alien' | 'newer'

export function encodeState(saved: SavedService): string {
  return JSON.stringify({ format, version, ...saved })
}

export function decodeState(text: string): SavedService | Unusable {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'torn'
  }
  if (!isRecord(value) || value['format'] !== format) return 'alien'
  if (typeof value['version'] === 'number' && value['version'] > version) return 'newer'
  return isSavedService(value) ? value : 'alien'
}

function isSavedService(value: Record<string, unknown>): value is Record<string, unknown> & SavedService {
  const { service, savedAtMs, others = [] } = value
  return (
    typeof service === 'string' &&
    typeof savedAtMs === 'number' &&
    isSavedList(value) &&
    Array.isArray(others) &&
    others.every(isSavedList)
  )
}

function isSavedList(value: unknown): value is SavedList {
  if (!isRecord(value)) return false
  const { position, instances, held } = value
  return (
    ['source', 'registryName'].every((key) => typeof value[key] === 'string') &&
    (position === null || typeof position === 'number') &&
    isStrings(held) &&
    Array.isArray(instances) &&
    instances.every(isInstance)
  )
}

const statuses: readonly unknown[] = ['passing', 'warning', 'critical', 'maintenance'] satisfies Instance['status'][]

function isInstance(value: unknown): value is Instance {
  return (
    isRecord(value) &&
    ['id', 'node', 'zone', 'version'].every((key) => typeof value[key] === 'string') &&
    // A data thread would die of what can't be connected to.
    isAddress(value['host']) &&
    ['string', 'undefined'].includes(typeof value['hostName']) &&
    Number.isInteger(value['port']) &&
    isWithin(value['port'], 1, 65_535) &&
    isWithin(value['weight'], 0, Number.MAX_SAFE_INTEGER) &&
    (value['tier'] === undefined || isWithin(value['tier'], 0, Number.MAX_SAFE_INTEGER)) &&
    isStrings(value['tags']) &&
    isRecord(value['meta']) &&
    isStrings(Object.values(value['meta'])) &&
    statuses.includes(value['status'])
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

/** Names were resolved before. */
function isAddress(value: unknown): boolean {
  return typeof value === 'string' && isIP(value) !== 0
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}
