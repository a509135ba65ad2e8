/** A text that is not what its place asks for. `hint` is the way out, as a phrase that can follow the message. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}
