import type { Instance } from '../../../core/instance.ts'

/** The instances that a value names (mostly one; none where it says that there is none), or why it can't be read. */
export type Reading = readonly Instance[] | string

/** Reads the value of a key; `id` is the last part of the key. Never throws. */
export type Format = (text: string, id: string) => Reading

/** A format whose values are JSON objects. */
export interface JsonFormat {
  /** Told by its keys alone, among the values of all formats. */
  readonly isOne: (value: JsonObject) => boolean
  readonly read: (value: JsonObject, id: string) => Reading
}

export type JsonObject = Readonly<Record<string, unknown>>
