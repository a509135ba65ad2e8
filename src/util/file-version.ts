import { type BigIntStats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

/** A file as it was when it was looked at. */
export interface FileVersion {
  /** Absolute, or as the caller named it. */
  readonly path: string
  /** Null when it was not there. */
  readonly fingerprint: string | null
}

/** Changes with every write and with every other file behind the same name. */
export function fingerprintOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`
}

/** Null when there is no such file. */
export async function fingerprint(path: string): Promise<string | null> {
  return stat(path, { bigint: true }).then(fingerprintOf, () => null)
}

/** Taken before anything else can happen: what changes from here on is a change. */
export function fingerprintNow(path: string): string | null {
  try {
    return fingerprintOf(statSync(path, { bigint: true }))
  } catch {
    return null
  }
}
