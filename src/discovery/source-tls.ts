/** How a TLS connection to a registry is made; texts are PEM. */
export interface SourceTls {
  /** Null = the authorities that Node knows. */
  readonly ca: string | null
  /** Null = the host of the registry's URL. */
  readonly servername: string | null
  readonly keyPair: { readonly cert: string; readonly key: string } | null
  readonly verify: boolean
}
