import { createSecureContext, type SecureContext } from 'node:tls'
import type { UpstreamTlsSettings } from '../../core/snapshot.ts'

/** What handshakes with endpoints need of the TLS settings: made once for settings that are the same object. */
export class UpstreamContexts {
  readonly #contexts = new WeakMap<UpstreamTlsSettings, SecureContext>()

  get(settings: UpstreamTlsSettings): SecureContext {
    let context = this.#contexts.get(settings)
    if (context === undefined) {
      const { ca, keyPair } = settings
      context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca !== null && { ca }), ...keyPair })
      this.#contexts.set(settings, context)
    }
    return context
  }
}
