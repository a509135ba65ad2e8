/**
 * How long the answer may take to begin for a client that has sent FIN behind its request. FIN says that nothing more comes, from
 * one that only closed its sending side and reads on as from one that is gone; only bytes sent to it would tell them apart.
 */
export const halfClosedMs = 1000
