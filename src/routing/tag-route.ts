import { isIP } from 'node:net'
import type { ClientAccess, RouteRedirect } from '../core/route.ts'
import { normalizeHost } from '../util/host.ts'
import { normalizePath } from '../util/path.ts'

/** A route that a tag of Fabio's form asks for. */
export interface TagRoute {
  readonly host: string | null
  readonly path: string
  readonly stripPrefix: boolean
  readonly prependPath: string | null
  readonly rewriteHost: boolean
  readonly access: ClientAccess | null
  readonly redirect: RouteRedirect | null
  /** What is spoken to the instance; null where the tag does not say. */
  readonly scheme: 'http' | 'https' | null
  /** False: whatever certificate it shows is taken. */
  readonly verifies: boolean
  /** The instance's share of the route's traffic, 0 to 1; null = an even part of what is left. */
  readonly share: number | null
}

/** Why a tag is no route that can be served; a sentence. */
export class TagProblem extends Error {}

/**
 * Reads a tag of Fabio's form, without its prefix: `host/path key=value …`.
 *
 * An option that can't be honoured makes the whole tag unusable: a route without its `auth` or its `strip` is another route
 * than the one asked for. https://fabiolb.net/cfg/
 *
 * @throws TagProblem
 */
export function parseTagRoute(tag: string): TagRoute {
  const [place = '', ...written] = tag.split(/\s+/).filter((part) => part !== '')
  const { host, path } = parsePlace(place)
  const options = parseOptions(written)
  const { strip, prepend, host: hostOption } = options
  if (hostOption !== undefined && hostOption !== 'dst')
    throw new TagProblem('the only `host` that can be set is `dst`: the address of the instance')
  return {
    host,
    path,
    ...rewriteOf(path, strip, prepend),
    rewriteHost: hostOption === 'dst',
    access: accessOf(options),
    redirect: redirectOf(options.redirect),
    ...schemeOf(options),
    share: shareOf(options.weight),
  }
}

/** Host and path of a tag as one text: by it the tags of instances are one route. Whatever the rest of the tag says. */
export function placeOf({ host, path }: Pick<TagRoute, 'host' | 'path'>): string {
  return `${host ?? ''}${path}`
}

function parsePlace(place: string): Pick<TagRoute, 'host' | 'path'> {
  const slash = place.indexOf('/')
  if (slash === -1) throw new TagProblem('it names no path: routes of TCP and SNI are not served')
  const host = parseHost(place.slice(0, slash).toLowerCase())
  const path = place.slice(slash)
  if (path.includes('*')) throw new TagProblem(`path ${path} has a wildcard; prefixes are matched as they are`)
  if (normalizePath(path) !== path) throw new TagProblem(`no request has the path ${JSON.stringify(path)}`)
  return { host, path }
}

function parseHost(text: string): string | null {
  if (text === '' || text === '*') return null
  const bare = text.startsWith('*.') ? text.slice(2) : text
  if (/[*?[\]{}]/.test(bare) && !bare.startsWith('[')) {
    throw new TagProblem(`host ${text} has a wildcard other than \`*.\` in front`)
  }
  const host = normalizeHost(bare)
  if (host === null || (isIP(bare) !== 6 && /:\d*$/.test(bare) && !bare.endsWith(']'))) {
    throw new TagProblem(`${JSON.stringify(text)} is no host name; it has no port either`)
  }
  return text.startsWith('*.') ? `*.${host}` : host
}

const known = [
  'proto',
  'strip',
  'prepend',
  'host',
  'weight',
  'redirect',
  'tlsskipverify',
  'allow',
  'deny',
  'pxyproto',
] as const
type Options = Partial<Record<(typeof known)[number], string>>

function parseOptions(written: readonly string[]): Options {
  const options: Options = {}
  for (const text of written) {
    const equals = text.indexOf('=')
    const key = known.find((name) => name === text.slice(0, Math.max(0, equals)))
    if (key === undefined) throw new TagProblem(`the option ${JSON.stringify(text)} can't be honoured`)
    if (options[key] !== undefined) throw new TagProblem(`\`${key}\` is there twice`)
    options[key] = text.slice(equals + 1)
  }
  if (options.pxyproto !== undefined && options.pxyproto !== 'false')
    throw new TagProblem('the PROXY protocol is not spoken to instances')
  return options
}

/** Fabio strips any prefix that the path happens to have; a route of ours its own, which comes to the same where that holds the other. */
function rewriteOf(path: string, strip: string | undefined, prepend: string | undefined) {
  const put = prepend === undefined ? '' : withoutFinalSlashes(checkedPath('prepend', prepend))
  const cut = strip === undefined ? '' : withoutFinalSlashes(checkedPath('strip', strip))
  if (cut === '') return { stripPrefix: false, prependPath: put === '' ? null : put }
  const own = withoutFinalSlashes(path)
  if (own !== cut && !own.startsWith(`${cut}/`)) throw new TagProblem(`strip=${strip} is no part of the path ${path}`)
  const kept = put + own.slice(cut.length)
  return { stripPrefix: true, prependPath: kept === '' ? null : kept }
}

function checkedPath(option: string, text: string): string {
  if (normalizePath(text) !== text) throw new TagProblem(`${option}=${text} is no path in normal form`)
  return text
}

function withoutFinalSlashes(path: string): string {
  return path.replace(/\/+$/, '')
}

function schemeOf({ proto, tlsskipverify }: Options): Pick<TagRoute, 'scheme' | 'verifies'> {
  if (proto !== undefined && proto !== 'http' && proto !== 'https')
    throw new TagProblem(`proto=${proto} is not spoken to instances`)
  if (tlsskipverify !== undefined && !['true', 'false'].includes(tlsskipverify))
    throw new TagProblem(`tlsskipverify=${tlsskipverify} is neither true nor false`)
  return { scheme: proto ?? null, verifies: tlsskipverify !== 'true' }
}

function accessOf({ allow, deny }: Options): ClientAccess | null {
  if (allow === undefined && deny === undefined) return null
  if (allow !== undefined && deny !== undefined) throw new TagProblem('it has both `allow` and `deny`')
  return {
    allow: allow === undefined ? null : networksOf('allow', allow),
    deny: deny === undefined ? [] : networksOf('deny', deny),
  }
}

function networksOf(option: string, list: string): string[] {
  return list.split(',').map((entry) => {
    const [, network = ''] = /^ip:(.+)$/.exec(entry) ?? []
    const [address = '', bits, ...rest] = network.split('/')
    const version = isIP(address)
    const isBits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
    if (version === 0 || address.includes('%') || !isBits || rest.length > 0) {
      throw new TagProblem(`${option}=…${JSON.stringify(entry)} is not of the form ip:10.0.0.0/8`)
    }
    return network
  })
}

function redirectOf(text: string | undefined): RouteRedirect | null {
  if (text === undefined) return null
  const comma = text.indexOf(',')
  const status = ([301, 302, 303, 307, 308] as const).find((code) => String(code) === text.slice(0, Math.max(0, comma)))
  if (status === undefined) throw new TagProblem(`redirect=${text} has no status of 301, 302, 303, 307 or 308`)
  // Fabio lets a slash stand before the path, which brings its own.
  const location = text.slice(comma + 1).replace('/$path', '$path')
  // What is filled in is harmless at its place only: the host as a whole, the path behind it.
  const isSafe =
    /^https?:\/\/(?:\$host|[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:\$path|\/[\x21\x23-\x7e]*)?$/i.test(location) &&
    (location.match(/\$(?:host|path)/g)?.length ?? 0) === location.split('$').length - 1 &&
    new Set(location.match(/\$\w+/g)).size === location.split('$').length - 1
  if (!isSafe) throw new TagProblem(`redirect=${text} leads to no URL with $host and $path at most`)
  return { status, location }
}

function shareOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const share = /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(share)) throw new TagProblem(`weight=${text} is no share such as 0.05`)
  return share === 0 ? null : share
}
