import type { RegisterOptions } from './register-options.ts'

type JoinHealth = NonNullable<RegisterOptions['health']>

/** How many instances have joined with a health object and not left. */
const joined = new WeakMap<JoinHealth, number>()

/** One instance's part in a health object that others of its process may share. */
export interface HealthShare {
  /** The instance leaves: the object is told where no other one stays. */
  leaving(): void
  /** It has not joined, after all. */
  release(): void
}

export function joinWith(health: JoinHealth): HealthShare {
  const release = (): number => {
    const left = (joined.get(health) ?? 0) - 1
    joined.set(health, left)
    return left
  }
  joined.set(health, (joined.get(health) ?? 0) + 1)
  health.joining?.()
  return {
    leaving: () => {
      if (release() === 0) health.leaving?.()
    },
    release: () => void release(),
  }
}
