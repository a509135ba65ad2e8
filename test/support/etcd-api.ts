/** One call of etcd's JSON gateway; rejects when it says no. */
export interface EtcdApi {
  call(path: string, body: object): Promise<Record<string, unknown>>
  put(key: string, value: string): Promise<void>
  /** All in one revision; null = delete. */
  txn(changes: Readonly<Record<string, string | null>>): Promise<void>
  delete(key: string): Promise<void>
  /** What stands after the prefix in the keys that begin with it; it ends with a slash. */
  ids(prefix: string): Promise<string[]>
  /** The revision of the whole store. */
  revision(): Promise<number>
  /** Forgets what was before. */
  compact(revision: number): Promise<void>
  /** A new lease, which has to be kept alive. */
  grant(ttlSeconds: number): Promise<string>
  putLeased(key: string, value: string, lease: string): Promise<void>
  revoke(lease: string): Promise<void>
}

/** @param address such as `http://127.0.0.1:2379` */
export function etcdApi(address: string): EtcdApi {
  const call: EtcdApi['call'] = async (path, body) => {
    const response = await fetch(new URL(path, address), { method: 'POST', body: JSON.stringify(body) })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`etcd answered ${response.status} to ${path}: ${text}`)
    return JSON.parse(text) as Record<string, unknown>
  }
  return {
    call,
    put: async (key, value) => void (await call('/v3/kv/put', keyValue(key, value))),
    txn: async (changes) => {
      const success = Object.entries(changes).map(([key, value]) =>
        value === null ? { request_delete_range: { key: encode(key) } } : { request_put: keyValue(key, value) },
      )
      await call('/v3/kv/txn', { success })
    },
    delete: async (key) => void (await call('/v3/kv/deleterange', { key: encode(key) })),
    ids: async (prefix) => {
      const range = { key: encode(prefix), range_end: encode(`${prefix.slice(0, -1)}0`), keys_only: true }
      const { kvs = [] } = (await call('/v3/kv/range', range)) as { kvs?: { key: string }[] }
      return kvs.map(({ key }) => Buffer.from(key, 'base64').toString().slice(prefix.length))
    },
    revision: async () => {
      const { header } = (await call('/v3/kv/range', { key: encode('any') })) as { header: { revision: string } }
      return Number(header.revision)
    },
    compact: async (revision) => void (await call('/v3/kv/compaction', { revision: String(revision), physical: true })),
    grant: async (ttlSeconds) => (await call('/v3/lease/grant', { TTL: String(ttlSeconds) })).ID as string,
    putLeased: async (key, value, lease) => void (await call('/v3/kv/put', { ...keyValue(key, value), lease })),
    revoke: async (lease) => void (await call('/v3/lease/revoke', { ID: lease })),
  }
}

function keyValue(key: string, value: string) {
  return { key: encode(key), value: encode(value) }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}
