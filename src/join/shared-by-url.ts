import { didYouMean } from '../util/suggest.ts'
import { RegisterError } from './register-error.ts'
import { parseRegistryUrl, type RegistryPlace } from './registry-url.ts'

interface Closable {
  close(): Promise<void>
}

interface Shared<T> {
  readonly value: T
  users: number
}

/** What is shared with all others of this process that use the same registry now. */
export interface Lease<T> {
  readonly value: T
  /** Closes it when nobody else uses it. */
  release(): Promise<void>
}

/** Things that are opened by a registry's URL, one for all who use the same one at a time: however many they are, they share its connections. */
export class SharedByUrl<T extends Closable> {
  readonly #opens: Readonly<Record<string, (place: RegistryPlace) => T>>
  readonly #open = new Map<string, Shared<T>>()

  /** @param opens by the scheme of the URL */
  constructor(opens: Readonly<Record<string, (place: RegistryPlace) => T>>) {
    this.#opens = opens
  }

  /** @throws RegisterError `invalid` */
  lease(url: string): Lease<T> {
    const shared = this.#open.get(url) ?? { value: this.#make(url), users: 0 }
    this.#open.set(url, shared)
    shared.users++
    let isReleased = false
    return {
      value: shared.value,
      release: async () => {
        if (isReleased) return
        isReleased = true
        if (--shared.users > 0) return
        this.#open.delete(url)
        await shared.value.close()
      },
    }
  }

  #make(url: string): T {
    const place = parseRegistryUrl(url)
    const make = Object.hasOwn(this.#opens, place.scheme) ? this.#opens[place.scheme] : undefined
    if (make !== undefined) return make(place)
    const known = Object.keys(this.#opens)
    const hint = didYouMean(place.scheme, known).hint ?? `there is ${known.join(', ')}`
    throw new RegisterError('invalid', `no registry is called ${JSON.stringify(place.scheme)}; ${hint}`)
  }
}
