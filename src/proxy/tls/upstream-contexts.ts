import type { SecureContext } from 'node:tls'
import type { ClientTlsSettings } from '../../core/snapshot.ts'
import { clientContext } from '../../util/tls-client.ts'

/** What handshakes with endpoints need of the TLS settings: made once for settings that are the same object. */
export class UpstreamContexts {
  readonly #contexts = new WeakMap<ClientTlsSettings, SecureContext>()

  get(settings: ClientTlsSettings): SecureContext {
    let context = this.#contexts.get(settings)
    if (context === undefined) {
      context = clientContext(settings)
      this.#contexts.set(settings, context)
    }
    return context
  }
}
