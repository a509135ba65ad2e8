/** One case of a corpus: bytes that somebody else thought of, and what they say becomes of them. */
export interface CorpusCase {
  readonly name: string
  readonly from: 'client' | 'endpoint'
  readonly bytes: string
  /**
   * `forward`: it is well-formed, and holds this many messages. `either`: it may be refused, or pass in one canonical form.
   * `refuse`: nothing of it may pass, but so many whole messages in front.
   */
  readonly wanted: 'forward' | 'either' | 'refuse'
  readonly messages: number
}
