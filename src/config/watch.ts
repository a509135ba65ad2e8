import { type FileVersion, fingerprintNow } from '../util/file-version.ts'
import { FileWatch } from '../util/watch-files.ts'

export interface ConfigWatch {
  /** Watches these, too, from the versions on that were read; instead of those given before. */
  follow(files: readonly FileVersion[]): void
  close(): void
}

/**
 * Calls `onChange` after a file was changed or replaced since this call, once all of them have been left alone for 100 ms; not
 * while it is missing. Never throws, and never keeps the process alive.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  const watch = new FileWatch({ onChange })
  watch.follow([{ path: file, fingerprint: fingerprintNow(file) }])
  return {
    follow: (files) => watch.follow([{ path: file, fingerprint: watch.seen(file) }, ...files]),
    close: () => watch.close(),
  }
}
