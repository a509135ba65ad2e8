type Overlaid<Base, Layer> = Base & Omit<Layer, keyof Base>

/**
 * Layers of settings as one: a key in a later layer wins over the same key before it. `base` has a value for each of its
 * keys; trees that come from files have no key whose value is undefined.
 */
export function overlay<Base extends object, Layer extends object>(
  base: Base,
  ...layers: readonly (Layer | undefined)[]
): Overlaid<Base, Layer> {
  return Object.assign({}, base, ...layers) as Overlaid<Base, Layer>
}
