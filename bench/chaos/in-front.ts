// What modules in front of the gateway and the faults that use them agree on. Those modules can't be imported anywhere else.

/** Where the wall clock jumps to, one after the other, seen from the true time. */
export const offsetsMs = [3_600_000, -3_600_000, 0] as const

/** How long the control plane stands still when it is told to. */
export const controlStillMs = 2000
