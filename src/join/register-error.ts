/**
 * A service can't join or leave as asked. `code` is stable: `invalid` (options that make no sense), `denied` (the registry's rights),
 * `refused` (the registry takes the entry for wrong), `unreachable`, `timeout`, `failed` (the registry has trouble of its own). The message
 * says where and what to do.
 */
export class RegisterError extends Error {
  override readonly name = 'RegisterError'
  readonly code: 'invalid' | 'denied' | 'refused' | 'unreachable' | 'timeout' | 'failed'

  constructor(code: RegisterError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Whether the same call may succeed later without any change of its own. */
  get isPassing(): boolean {
    return this.code === 'unreachable' || this.code === 'timeout' || this.code === 'failed'
  }
}

/** @internal */
export function asRegisterError(error: unknown): RegisterError {
  if (error instanceof RegisterError) return error
  return new RegisterError('failed', error instanceof Error ? error.message : String(error), { cause: error })
}
