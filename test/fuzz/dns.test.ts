import * as fc from 'fast-check'
import { test } from 'vitest'
import { dnsListings, dnsMessages } from './dns.ts'

test('any bytes are an answer of sound values, no answer, or refused', () => {
  fc.assert(dnsMessages, { numRuns: 3000 })
})

test('whatever a DNS server sends comes to a sound list or a DiscoveryError, and to an end', async () => {
  const { property, close } = await dnsListings()
  await fc.assert(property, { numRuns: 150 })
  await close()
})
