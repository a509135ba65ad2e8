/**
 * A listening socket of this process, by its descriptor. A descriptor serves one server at a time: whoever closes its server closes
 * the number for all threads.
 */
export interface ListenSocket {
  readonly fd: number
  /** Name of the listener that it serves. */
  readonly listener: string
  /** As that is configured. */
  readonly host: string
  /** The port that is open, where a configuration says 0. */
  readonly port: number
}

/** A listening socket as one process hands it to the next. */
export interface HandedSocket extends ListenSocket {
  readonly configuredPort: number
  /** That of the admin server. */
  readonly isAdmin: boolean
  /** The system lets others listen on the address beside it (SO_REUSEPORT). */
  readonly reusePort: boolean
  /** Whoever opened it holds it for us: the address can't be opened anew, only descriptors be copied. */
  readonly isLent: boolean
}

/** A socket that systemd, or who does as it does, gave us. What it listens on is to be found out. */
export interface LentSocket {
  readonly fd: number
  /** `FileDescriptorName=` of its unit; null without. */
  readonly name: string | null
}
