/** Something that happened to a registration. */
export interface JoinEvent {
  readonly type:
    | 'registered'
    /** Was missing or altered in the registry, and has been registered again. */
    | 'repaired'
    /** Removed what an earlier process had left. */
    | 'swept'
    /** The registry can't be reached, or refuses; told once, until `back`. */
    | 'lost'
    | 'back'
    /** The registry takes something otherwise than the user may expect. */
    | 'warning'
    | 'withdrawn'
    | 'drained'
    | 'deregistered'
    /** Could not deregister: the entry stays until the registry's own time. */
    | 'left-behind'
  readonly name: string
  readonly id: string
  /** A whole sentence. */
  readonly message: string
}

const quiet: readonly JoinEvent['type'][] = ['registered', 'back', 'swept', 'withdrawn', 'drained', 'deregistered']

/** One line for what somebody may have to act on. */
export function warnOnStderr(event: JoinEvent): void {
  if (!quiet.includes(event.type)) console.warn(`tidegate: ${event.name} (${event.id}): ${event.message}`)
}

/** Somebody's listener that throws must neither end heartbeats nor keep the instance from leaving. */
export function guarded(listener: (event: JoinEvent) => void): (event: JoinEvent) => void {
  return (event) => {
    try {
      listener(event)
    } catch (error) {
      console.warn(`tidegate: the listener to ${event.type} of ${event.name} threw: ${String(error)}`)
    }
  }
}
