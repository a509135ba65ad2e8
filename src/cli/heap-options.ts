import { setFlagsFromString } from 'node:v8'

/**
 * Tells V8 how a gateway, and a registry, uses its memory; to be called before either knows of any instance.
 *
 * V8 notes where in the code objects are made that live long, and makes the later ones of such a place in the old generation at once.
 * The first list of a large registry all lives long, so the places that read it are noted, and what each change after it leaves behind
 * would lie in the old generation, until all of that is marked.
 */
export function setHeapOptions(): void {
  setFlagsFromString(`--no-${pretenuring}`)
}

/** As `node --v8-options` lists it. */
export const pretenuring = 'allocation-site-pretenuring'
