import { join } from 'node:path'
import type { Case, Shape } from './cases.ts'
import { type Certificate, makeCertificate } from './certificates.ts'
import type { Competitor } from './competitor.ts'
import type { CpuPlan } from './cpus.ts'
import { type Origin, startOrigin } from './origin.ts'
import type { Processes } from './processes.ts'
import { measuredPrefix, startSubject, subjectDirectory, type Subject } from './subject.ts'

/** What a case needs besides the proxies: origins, each on the CPUs of a plan, and a certificate. */
export class Stage {
  readonly #measured: Case
  readonly #processes: Processes
  readonly #directory: string
  readonly #certificate: Certificate | null
  readonly #idleSeconds: number
  readonly #origins = new Map<string, Promise<Origin>>()

  /**
   * @param directory for everything that is started; the caller removes it once the processes have ended
   * @param options idleSeconds: how long the proxies keep an idle connection of a client
   */
  constructor(measured: Case, processes: Processes, directory: string, { idleSeconds = 75 } = {}) {
    this.#measured = measured
    this.#processes = processes
    this.#directory = directory
    this.#idleSeconds = idleSeconds
    const { tls } = measured
    this.#certificate = tls === null ? null : makeCertificate(tls, join(directory, 'certificates'))
  }

  /** Starts a competitor, and before it an origin for its CPUs where there is none; rejects when it doesn't do its work. */
  async start(competitor: Competitor, shape: Shape, cpus: CpuPlan): Promise<Subject> {
    const { addresses } = await this.#originOn(cpus)
    return startSubject({
      competitor,
      shape,
      measured: this.#measured,
      origins: addresses,
      certificate: this.#certificate,
      idleSeconds: this.#idleSeconds,
      directory: subjectDirectory(this.#directory, competitor, shape),
      processes: this.#processes,
      cpus,
    })
  }

  async #originOn(cpus: CpuPlan): Promise<Origin> {
    const { shapes } = this.#measured
    const started =
      this.#origins.get(cpus.rest) ??
      startOrigin(this.#processes, {
        cpus,
        directory: join(this.#directory, `origin-${this.#origins.size}`),
        addressCount: Math.max(...shapes.map(({ instancesPerRoute }) => instancesPerRoute)),
        prefixes: [...new Set(shapes.map(measuredPrefix))],
      })
    this.#origins.set(cpus.rest, started)
    return started
  }
}
