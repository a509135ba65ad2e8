import { X509Certificate } from 'node:crypto'
import { InvalidValue } from '../invalid-value.ts'

const certificatePattern =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g

/**
 * The certificates of a PEM text, in its order; other blocks of it are left alone.
 *
 * @throws InvalidValue when there is none, or one that can't be read
 */
export function readCertificates(pem: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.match(certificatePattern) ?? []
  const [first, ...others] = blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch {
      const which = blocks.length === 1 ? 'its certificate' : `certificate ${index + 1} of ${blocks.length} in it`
      throw new InvalidValue(`${which} can't be read`)
    }
  })
  if (first === undefined) throw new InvalidValue('it holds no certificate')
  return [first, ...others]
}

// RFC 9525 section 6.3: a wildcard is the whole first label.
const dnsEntry = /^DNS:((?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?$/i

/** The host names that a certificate is for, lower case. The common name counts for nothing (RFC 9525 section 2). */
export function hostNames(certificate: X509Certificate): readonly string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? []
  return [...new Set(entries.flatMap((entry) => dnsEntry.exec(entry)?.[1]?.toLowerCase() ?? []))]
}

export function commonName(certificate: X509Certificate): string | null {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? null
}

/** What is to be said of a certificate's days; null while they are on. */
export function outOfDate(certificate: X509Certificate, nowMs: number): string | null {
  const { validFrom, validTo } = certificate
  if (Date.parse(validTo) < nowMs) return `the certificate has expired on ${day(validTo)}: clients will refuse it`
  return Date.parse(validFrom) > nowMs ? `the certificate is not valid before ${day(validFrom)}` : null
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}
