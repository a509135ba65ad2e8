import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { ClientTlsSettings } from '../../core/snapshot.ts'
import { RegisterError } from '../register-error.ts'

/** Of a URL; the names and meanings of the configuration's `tls`. */
export const tlsParams = ['tls', 'ca', 'servername', 'cert', 'key', 'verify'] as const

/**
 * How connections are made: null = in plain text, where no parameter speaks of TLS. Files are paths from where the process was started, and are
 * read once.
 * @throws RegisterError `invalid`
 */
export function tlsOf(params: ReadonlyMap<string, string>): ClientTlsSettings | null {
  const isAsked = switchOf(params, 'tls') ?? tlsParams.some((name) => params.has(name))
  const others = tlsParams.filter((name) => name !== 'tls' && params.has(name))
  if (!isAsked && others.length > 0) throw invalid(`\`${others[0]}\` needs TLS; leave out \`tls=false\``)
  if (!isAsked) return null
  const [ca, cert, key] = [pemAt(params, 'ca'), pemAt(params, 'cert'), pemAt(params, 'key')]
  if ((cert === null) !== (key === null)) throw invalid('a client certificate takes both `cert` and `key`')
  const keyPair = cert === null || key === null ? null : { cert, key }
  try {
    createSecureContext({ ...(ca !== null && { ca }), ...keyPair })
  } catch (error) {
    throw invalid(`OpenSSL does not take what \`ca\`, \`cert\` and \`key\` name: ${(error as Error).message}`)
  }
  return { ca, servername: params.get('servername') ?? null, keyPair, verify: switchOf(params, 'verify') ?? true }
}

function switchOf(params: ReadonlyMap<string, string>, name: string): boolean | null {
  const text = params.get(name)
  if (text === undefined) return null
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(`\`${name}\` is true or false, not ${JSON.stringify(text)}`)
}

function pemAt(params: ReadonlyMap<string, string>, name: string): string | null {
  const path = params.get(name)
  if (path === undefined) return null
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    throw invalid(`\`${name}\` can't be read: ${(error as Error).message}`)
  }
  if (text.includes('-----BEGIN ')) return text
  throw invalid(`\`${name}\`: ${path} is not PEM; its text has to hold "-----BEGIN …-----" lines`)
}

function invalid(message: string): RegisterError {
  return new RegisterError('invalid', message)
}
