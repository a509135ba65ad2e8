import { defaults } from '../join/read-options.ts'
import { leaseRegistrar } from '../join/registrars.ts'
import type { Registrar } from '../join/registrar.ts'

const timeoutMs = 30_000

/** Runs `act` with the registry of `--registry`, of TIDEGATE_REGISTRY, or the agent of this machine. @returns the exit code */
export async function withRegistrar(
  registry: string | undefined,
  act: (registrar: Registrar, signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const url = registry ?? process.env.TIDEGATE_REGISTRY ?? defaults.registry
  const lease = leaseRegistrar(url)
  try {
    await act(lease.value, AbortSignal.timeout(timeoutMs))
    return 0
  } finally {
    await lease.release()
  }
}
