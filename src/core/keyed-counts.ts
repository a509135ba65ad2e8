import { keyedHash } from './keyed-hash.ts'

/** A key in a row: its length, then its characters, four to a word. */
const keyWords = 16
export const maxKeyLength = (keyWords - 1) * 4

const rowsPerBucket = 16
/** Words before the first bucket: the secret of the hash. */
const headWords = 2
const lockWords = 1

const maxSpins = 200
const maxWaits = 50
const waitMs = 1

/** Answers of `acquire` that are no row. */
export const overLimit = -1
export const noRoom = -2

function strideOf(workers: number): number {
  return lockWords + rowsPerBucket * (keyWords + workers)
}

/**
 * How often something is held by each of many keys, over all threads: a table of fixed size in shared memory.
 *
 * ```
 * secret | bucket bucket …            bucket: lock | row row … (16)            row: key | share of worker 0, 1, …
 * ```
 *
 * A row is in use while its shares add up to more than 0, and they are the count: there is no total that could differ from
 * them. To count one more, a thread holds the lock of the key's bucket while it finds the row, or takes one that is not in use
 * and writes the key; the addition to its own share comes last. To count one less it subtracts from its own share, without
 * the lock: the row's key can't change meanwhile, since the share is not 0 before.
 *
 * What is guaranteed:
 * - Two keys never share a count: keys are compared whole. One key never has two rows: only the bucket of its hash can hold it.
 * - A limit is exact: never more than `limit` of one key are held, whatever threads do at the same time, and one that fits is not
 *   refused. While the lock is held shares can only go down, so what they add up to was true at some moment.
 * - A thread may die at any point. Its shares are taken back, and a lock that it held is opened: the lock names its holder, and
 *   what it had half done is a key in a row that is not in use.
 * - A thread waits for a lock for 50 ms at most, and only while its holder is dead or was taken off the CPU in the middle of some
 *   hundred nanoseconds. After that, and when all 16 rows of the bucket are in use, the answer is `noRoom`.
 *
 * With four rows per key that is held, `noRoom` comes less than once in 100,000 new keys. Who gets it should refuse: then the
 * limit holds without exception.
 */
export class KeyedCounts {
  readonly #ints: Int32Array<SharedArrayBuffer>
  readonly #workers: number
  readonly #worker: number
  readonly #stride: number
  readonly #bucketMask: number
  /** The key asked for, as it lies in a row. */
  readonly #key = new Int32Array(keyWords)
  #keyLength = 0

  /** @param worker column of the calling thread; -1 for the control plane, which counts nothing */
  constructor(shared: SharedArrayBuffer, workers: number, worker: number) {
    this.#ints = new Int32Array(shared)
    this.#workers = workers
    this.#worker = worker
    this.#stride = strideOf(workers)
    this.#bucketMask = (this.#ints.length - headWords) / this.#stride - 1
  }

  /**
   * @param rows at least so many; rounded up to buckets in a power of two. They cost memory when they are first used
   * @param secret two random words
   */
  static create(workers: number, rows: number, secret: ArrayLike<number>): SharedArrayBuffer {
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(rows / rowsPerBucket, 1)))
    const shared = new SharedArrayBuffer((headWords + buckets * strideOf(workers)) * 4)
    new Int32Array(shared).set(secret)
    return shared
  }

  /**
   * Counts one more of `key` for this thread.
   *
   * @param key at most 60 characters up to U+00FF
   * @param limit at least 1
   * @returns the row, for `release`; or `overLimit`, or `noRoom`
   * @throws RangeError for a key that no row can hold
   */
  acquire(key: string, limit: number): number {
    const bucket = this.#bucketOf(key)
    const lock = headWords + bucket * this.#stride
    if (!this.#lock(lock)) return noRoom
    const row = this.#find(bucket, limit)
    if (row >= 0) Atomics.add(this.#ints, this.#sharesAt(row) + this.#worker, 1)
    Atomics.store(this.#ints, lock, 0)
    return row
  }

  /** Counts one less, of a row that `acquire` returned to this thread. */
  release(row: number): void {
    Atomics.sub(this.#ints, this.#sharesAt(row) + this.#worker, 1)
  }

  /** How many of `key` are held now, over all threads. A reading: it may be outdated when it is returned. */
  count(key: string): number {
    const bucket = this.#bucketOf(key)
    for (let row = bucket * rowsPerBucket; row < (bucket + 1) * rowsPerBucket; row++) {
      const count = this.#sum(row)
      if (count > 0 && this.#holdsKey(row)) return count
    }
    return 0
  }

  /** Gives back everything that a dead worker held. For the control plane, before the column gets another thread. */
  takeBack(worker: number): void {
    for (let bucket = 0; bucket <= this.#bucketMask; bucket++) {
      for (let row = bucket * rowsPerBucket; row < (bucket + 1) * rowsPerBucket; row++) {
        const share = this.#sharesAt(row) + worker
        if (Atomics.load(this.#ints, share) !== 0) Atomics.store(this.#ints, share, 0)
      }
      Atomics.compareExchange(this.#ints, headWords + bucket * this.#stride, worker + 1, 0)
    }
  }

  /** The key's row if its count may grow, else one that is not in use, else why there is none. */
  #find(bucket: number, limit: number): number {
    let free = noRoom
    for (let row = bucket * rowsPerBucket; row < (bucket + 1) * rowsPerBucket; row++) {
      const count = this.#sum(row)
      if (count > 0 && this.#holdsKey(row)) return count < limit ? row : overLimit
      if (count === 0) free = row
    }
    if (free !== noRoom) this.#ints.set(this.#key, this.#sharesAt(free) - keyWords)
    return free
  }

  #sum(row: number): number {
    const at = this.#sharesAt(row)
    let sum = 0
    for (let worker = 0; worker < this.#workers; worker++) sum += Atomics.load(this.#ints, at + worker)
    return sum
  }

  #holdsKey(row: number): boolean {
    const at = this.#sharesAt(row) - keyWords
    for (let i = 0; i < this.#keyLength; i++) if (this.#ints[at + i] !== this.#key[i]) return false
    return true
  }

  #sharesAt(row: number): number {
    const bucket = Math.floor(row / rowsPerBucket)
    const inBucket = row % rowsPerBucket
    return headWords + bucket * this.#stride + lockWords + inBucket * (keyWords + this.#workers) + keyWords
  }

  /** Leaves the key in `#key`. */
  #bucketOf(key: string): number {
    const { length } = key
    if (length > maxKeyLength) throw new RangeError(`a key has ${maxKeyLength} characters at most, not ${length}`)
    const words = this.#key
    words.fill(0)
    words[0] = length
    for (let i = 0; i < length; i++) {
      const code = key.charCodeAt(i)
      if (code > 0xff) throw new RangeError(`a key has characters up to U+00FF only, unlike ${JSON.stringify(key)}`)
      const word = 1 + (i >> 2)
      words[word] = (words[word] as number) | (code << ((i & 3) * 8))
    }
    this.#keyLength = 1 + ((length + 3) >> 2)
    return keyedHash(words, this.#keyLength, this.#ints[0] as number, this.#ints[1] as number) & this.#bucketMask
  }

  #lock(at: number): boolean {
    for (let tries = 0; tries < maxSpins + maxWaits; tries++) {
      const holder = Atomics.compareExchange(this.#ints, at, 0, this.#worker + 1)
      if (holder === 0) return true
      // It looks again by itself: waking would cost every holder, and hardly anybody ever waits.
      if (tries >= maxSpins) Atomics.wait(this.#ints, at, holder, waitMs)
    }
    return false
  }
}
