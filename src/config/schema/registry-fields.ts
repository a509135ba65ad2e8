import { InvalidValue } from '../invalid-value.ts'

export function emptyIsNull(text: string | null): string | null {
  return text === '' ? null : text
}

/** `tls` is for `https:` URLs alone. */
export function requireHttps(urls: readonly string[], hasTls: boolean, way: string): void {
  const plain = urls.find((url) => url.startsWith('http:'))
  if (hasTls && plain !== undefined) throw new InvalidValue(`${plain} is plain text`, way)
}

/** For people: whose URL it is, the port it mostly has, and the key that its secret goes into. */
interface Registry {
  readonly whose: string
  readonly port: number
  readonly secretKey: string
}

/** An HTTP URL of a registry, without a final slash. */
export function parseRegistryUrl(text: string, of: Registry): string {
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null
  if (url === null) {
    const looksBare = /^[\w.[\]:-]+$/.test(text) && !text.includes('://')
    throw new InvalidValue(
      `expected the URL of ${of.whose}, got ${JSON.stringify(text)}`,
      looksBare ? `write "http://${text}"` : `write one such as "http://127.0.0.1:${of.port}"`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('a URL with a password in it ends up in logs', `put the credential into \`${of.secretKey}\``)
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidValue(`the URL of ${of.whose} has no query and no fragment`)
  }
  return url.href.replace(/\/+$/, '')
}
