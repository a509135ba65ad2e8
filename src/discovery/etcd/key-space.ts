/** Keys from `key` on, up to but without `end`, as etcd counts them: by their bytes. */
export interface KeyRange {
  readonly key: string
  readonly end: string
}

/** Where a key belongs: `<prefix>/<service>/<id>`. */
export interface KeyPlace {
  readonly service: string
  readonly id: string
}

/** Which keys are whose. */
export interface KeySpace {
  readonly everything: KeyRange
  readonly of: (service: string) => KeyRange
  /** Null for a key that is no child of a service. */
  readonly place: (key: string) => KeyPlace | null
  readonly keyOf: (place: KeyPlace) => string
}

/**
 * The layout under a prefix. The service is everything up to the last slash, so that a service `shop` does not own the instances
 * of a service `shop/cart`. A final slash of the prefix changes nothing: `/` is the prefix of keys that begin with a slash, and the
 * empty one is that of all keys.
 */
export function keySpace(prefix: string): KeySpace {
  const base = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  return {
    everything: below(base),
    of: (service) => below(`${base}${service}/`),
    place: (key) => {
      const slash = key.lastIndexOf('/')
      if (!key.startsWith(base) || slash <= base.length || slash === key.length - 1) return null
      return { service: key.slice(base.length, slash), id: key.slice(slash + 1) }
    },
    keyOf: ({ service, id }) => `${base}${service}/${id}`,
  }
}

/** All keys that begin with the text; it is empty or ends with a slash. */
function below(base: string): KeyRange {
  // A lone zero byte as both ends is every key: https://etcd.io/docs/v3.4/learning/api/#range
  if (base === '') return { key: '\0', end: '\0' }
  return { key: base, end: `${base.slice(0, -1)}0` }
}
