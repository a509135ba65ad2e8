import { describe, expect, test } from 'vitest'
import type { ListenerCertificate } from '../../../../src/core/snapshot.ts'
import { CertificateChooser } from '../../../../src/proxy/tls/certificate-chooser.ts'

function certificate(label: string, names: readonly string[], keyType = 'ec'): ListenerCertificate {
  return { label, names, keyType, cert: '', key: '', expiresMs: 0 }
}

/** Labels of what serves a name. */
function chosen(certificates: readonly ListenerCertificate[], name: string): string[] {
  return new CertificateChooser(certificates).choose(name).map(({ label }) => label)
}

describe('the choice of certificates', () => {
  const several = [
    certificate('first', ['a.test']),
    certificate('wild', ['*.b.test']),
    certificate('exact', ['x.b.test']),
    certificate('rsa', ['a.test', 'x.b.test', '*.c.test'], 'rsa'),
  ]

  test.each([
    ['a.test', ['first', 'rsa']],
    ['x.b.test', ['exact', 'rsa']],
    ['X.B.TEST', ['exact', 'rsa']],
    ['y.b.test', ['wild']],
    ['y.c.test', ['rsa']],
    ['y.y.b.test', ['first', 'rsa']],
    ['b.test', ['first', 'rsa']],
    ['', ['first', 'rsa']],
    ['test', ['first', 'rsa']],
    ['.b.test', ['wild']],
    ['__proto__', ['first', 'rsa']],
  ])('for %j is %j', (name, labels) => {
    expect(chosen(several, name)).toEqual(labels)
  })

  test('is the first where that has no name', () => {
    const nameless = [certificate('nameless', []), certificate('other', ['a.test'])]
    expect(chosen(nameless, 'b.test')).toEqual(['nameless'])
    expect(chosen(nameless, 'a.test')).toEqual(['other'])
  })

  test('is the same object for the same clients', () => {
    const chooser = new CertificateChooser(several)
    expect(chooser.choose('a.test')).toBe(chooser.choose('unknown.test'))
    expect(chooser.choose('y.b.test')).toBe(chooser.choose('z.b.test'))
  })
})
