import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Certificate } from './certificates.ts'

/** A folder of PEM files that is gone after the test. */
export class CertificateFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'))

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Writes in place. @returns the path */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  /** Puts another file in its place. */
  replace(name: string, text: string): void {
    writeFileSync(this.path(`${name}.new`), text)
    renameSync(this.path(`${name}.new`), this.path(name))
  }

  /** `NAME.pem` and `NAME.key`. @returns their paths */
  writePair(name: string, { cert, key }: Certificate): { cert: string; key: string } {
    return { cert: this.write(`${name}.pem`, cert), key: this.write(`${name}.key`, key) }
  }
}
