import type { DiscoveryContext } from '../context.ts'
import { DiscoveryError, type Answer, type Discovery } from '../contract.ts'
import { Link } from './link.ts'
import { mdnsLimits, type MdnsLimits, type MdnsOptions } from './options.ts'
import { ServiceBrowser } from './service-browser.ts'
import { serviceName, type ServiceName } from './service-name.ts'

/**
 * Instances that announce themselves by multicast DNS: go-micro's and those of plain DNS-SD. All watches share the sockets, and
 * the watches of a service what was heard of it.
 */
export function mdns(options: MdnsOptions, context: DiscoveryContext, limits: MdnsLimits = mdnsLimits): Discovery {
  return new Mdns(options, context, limits)
}

class Mdns implements Discovery {
  readonly #options: MdnsOptions
  readonly #context: DiscoveryContext
  readonly #limits: MdnsLimits
  readonly #closing = new AbortController()
  readonly #browsers = new Map<string, ServiceBrowser>()
  /** Open while something is watched. */
  #link: Link | null = null

  constructor(options: MdnsOptions, context: DiscoveryContext, limits: MdnsLimits) {
    this.#options = options
    this.#context = context
    this.#limits = limits
  }

  async *watch(service: string, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    if (end.aborted) return
    const name = serviceName(service, this.#options.domain)
    if (typeof name === 'string') {
      const message = `${JSON.stringify(service)} can't be asked for in the DNS: ${name}; set the service's \`name\``
      throw new DiscoveryError('unreadable', message)
    }
    const browser = this.#browserOf(service, name)
    const box = browser.join()
    yield* box.answers(end, {
      over: () => {
        browser.leave(box)
        this.#closeUnwatched()
      },
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const browser of this.#browsers.values()) browser.close()
    this.#browsers.clear()
    this.#closeUnwatched()
  }

  #browserOf(service: string, name: ServiceName): ServiceBrowser {
    const known = this.#browsers.get(service)
    if (known !== undefined) return known
    const link = this.#openLink()
    const browser = new ServiceBrowser(service, name, {
      limits: this.#limits,
      random: this.#context.random,
      isOnLink: (address) => link.isOnLink(address),
      ask: (asks) => link.ask(asks),
      onSkipped: this.#context.onSkipped,
    })
    this.#browsers.set(service, browser)
    return browser
  }

  #openLink(): Link {
    this.#link ??= new Link(this.#options, this.#limits, {
      heard: (response) => {
        for (const browser of this.#browsers.values()) browser.hear(response)
      },
      lostWire: (wire, error) => this.#fail(error, (browser) => browser.isHeardOn(wire)),
      gainedWire: () => {
        for (const browser of this.#browsers.values()) browser.askAnew()
      },
      lost: (error) => this.#fail(error, () => true),
    })
    return this.#link
  }

  /** A watch that begins again remembers nothing: its first answer is of those who are there then. */
  #fail(error: DiscoveryError, isConcerned: (browser: ServiceBrowser) => boolean): void {
    for (const [service, browser] of this.#browsers) {
      if (!isConcerned(browser)) continue
      this.#browsers.delete(service)
      browser.fail(error)
    }
    this.#closeUnwatched()
  }

  #closeUnwatched(): void {
    for (const [service, browser] of this.#browsers) {
      if (browser.isWatched) continue
      browser.close()
      this.#browsers.delete(service)
    }
    if (this.#browsers.size > 0) return
    this.#link?.close()
    this.#link = null
  }
}
