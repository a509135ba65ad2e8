import type { EtcdAccess } from '../../discovery/etcd/calls.ts'
import { didYouMean } from '../../util/suggest.ts'
import { RegisterError } from '../register-error.ts'
import { refuseOtherParams, type RegistryPlace } from '../registry-url.ts'
import { type ValueFormatName, valueFormats } from './formats/index.ts'
import { tlsOf, tlsParams } from './tls.ts'

/** What an `etcd://` URL says. */
export interface EtcdPlace extends EtcdAccess {
  /** `host:port` each. */
  readonly hosts: readonly string[]
  readonly prefix: string
  /** Null where the URL names none: readers tell formats by the values, and JSON is written. */
  readonly format: ValueFormatName | null
}

const defaultHost = '127.0.0.1:2379'
const defaultPort = 2379

/**
 * Reads `etcd://HOST:PORT[,HOST:PORT…][/PREFIX][?format=…&username=…&password=…&tls=true&ca=…]`. The path is the prefix with its slash; `prefix=`
 * is one without. Without a user, ETCD_USERNAME and ETCD_PASSWORD.
 * @throws RegisterError `invalid`
 */
export function etcdPlace(place: RegistryPlace): EtcdPlace {
  const { params, path } = place
  refuseOtherParams(place, ['format', 'prefix', 'username', 'password', ...tlsParams])
  const tls = tlsOf(params)
  const hosts = (place.hosts.length === 0 ? [defaultHost] : place.hosts).map((host) => {
    return /:\d+$/.test(host) ? host : `${host}:${defaultPort}`
  })
  const endpoints = hosts.map((host) => `${tls === null ? 'http' : 'https'}://${host}`)
  for (const endpoint of endpoints) {
    if (!URL.canParse(endpoint)) throw invalid(`${JSON.stringify(endpoint)} is no host and port of etcd`)
  }
  const format = formatOf(params.get('format'))
  const prefix = params.get('prefix') ?? (path === '' || path === '/' ? valueFormats[format ?? 'json'].prefix : path)
  const username = params.get('username') ?? process.env.ETCD_USERNAME ?? ''
  const password = params.get('password') ?? process.env.ETCD_PASSWORD ?? ''
  const user = username === '' ? { username: null, password: null } : { username, password }
  return { hosts, endpoints, prefix, format, ...user, tls }
}

function formatOf(text: string | undefined): ValueFormatName | null {
  if (text === undefined) return null
  if (Object.hasOwn(valueFormats, text)) return text as ValueFormatName
  const known = Object.keys(valueFormats)
  const hint = didYouMean(text, known).hint ?? `there is ${known.join(', ')}`
  throw invalid(`etcd values have no format ${JSON.stringify(text)}; ${hint}`)
}

function invalid(message: string): RegisterError {
  return new RegisterError('invalid', message)
}
