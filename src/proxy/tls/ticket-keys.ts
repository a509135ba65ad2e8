import { createHash, hkdfSync } from 'node:crypto'
import type { ListenerTlsSettings } from '../../core/snapshot.ts'

/** What makes sessions of one listener resumable there, in every data thread, and nowhere else. */
export interface TicketKeys {
  /** As OpenSSL takes them: 16 bytes of name, 16 to sign, 16 to encrypt. Null before the secret is known: random ones. */
  readonly keys: Buffer | null
  /** Written into each session. */
  readonly sessionIdContext: string
}

/**
 * Keys for the session tickets of a listener. They depend on what it asks of clients, since a resumed session is not asked
 * again: a ticket of a listener that asks for less is none here, nor one from before the authorities were changed.
 */
export function ticketKeys(
  secret: Uint8Array | null,
  listener: string,
  { clientAuth }: Pick<ListenerTlsSettings, 'clientAuth'>,
): TicketKeys {
  const purpose = createHash('sha256')
    .update(JSON.stringify([listener, clientAuth?.mode, clientAuth?.ca]))
    .digest()
  return {
    keys: secret === null ? null : Buffer.from(hkdfSync('sha256', secret, '', purpose, 48)),
    sessionIdContext: purpose.toString('hex').slice(0, 32),
  }
}
