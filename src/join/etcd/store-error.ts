import { Refusal } from '../../discovery/etcd/calls.ts'
import { DiscoveryError } from '../../discovery/contract.ts'
import { grpcCodes, isStaleToken } from '../../discovery/etcd/error.ts'
import { asRegisterError, RegisterError } from '../register-error.ts'

const shownChars = 200

/** What a call of etcd rejected with, as joining tells it. */
export function storeError(error: unknown): RegisterError {
  if (error instanceof Refusal) return refusalError(error)
  if (!(error instanceof DiscoveryError)) return asRegisterError(error)
  const { code, message } = error
  if (code === 'denied') return new RegisterError('denied', `etcd takes no such user: ${message}`, { cause: error })
  return new RegisterError(code === 'unreachable' || code === 'timeout' ? code : 'failed', message, { cause: error })
}

function refusalError(error: Refusal): RegisterError {
  const { url, refusal } = error
  const { code, status } = refusal
  const said = refusal.message
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, shownChars)
  if (code === grpcCodes.permissionDenied || isStaleToken(refusal)) {
    const way = 'its user needs a role with `readwrite` on all keys of the prefix'
    return new RegisterError('denied', `etcd refuses ${url} (${said}); ${way}`, { cause: error })
  }
  const message = `etcd answered ${status} (${said}) to ${url}`
  return new RegisterError(code === grpcCodes.invalidArgument ? 'refused' : 'failed', message, { cause: error })
}
