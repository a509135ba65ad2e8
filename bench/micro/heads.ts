import { browserFields } from '../macro/browser-fields.ts'

/** Heads that differ from one another where heads of one client do. */
const variants = 256

/** With the empty line that ends them, as they come from a socket. */
export interface Heads {
  readonly name: string
  readonly heads: readonly Buffer[]
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}

const requestOf: Readonly<Record<string, (i: number) => readonly string[]>> = {
  'load generator, 1 field': (i) => [`GET /json?${i} HTTP/1.1`, 'Host: 127.0.0.1:8080'],
  'API client, 8 fields': (i) => [
    `GET /orders/${4000 + i}/items?page=${i % 7}&fields=name,price HTTP/1.1`,
    'Host: shop.example.com',
    'User-Agent: shop-app/7.3.1',
    'Accept: application/json',
    'Accept-Encoding: gzip, br',
    'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MjcifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbi1oZXJl',
    `Cookie: session=${hex(i * 2_654_435, 32)}`,
    `traceparent: 00-${hex(i * 40_503 + 1, 32)}-${hex(i + 1, 16)}-01`,
    `If-None-Match: "${hex(i * 7919, 8)}"`,
  ],
  'browser, 20 fields': (i) => [
    `GET /catalogue/shoes/${i}?page=3 HTTP/1.1`,
    'Host: shop.example.com',
    ...browserFields.map((line) => (line.startsWith('Cookie:') ? `${line}; n=${hex(i, 8)}` : line)),
  ],
}

const responseOf: Readonly<Record<string, (i: number) => readonly string[]>> = {
  'nginx, 5 fields': (i) => [
    'HTTP/1.1 200 OK',
    'Server: nginx/1.22.1',
    'Date: Sun, 22 Nov 2026 18:00:00 GMT',
    'Content-Type: application/json',
    `Content-Length: ${100 + i}`,
    'Connection: keep-alive',
  ],
  'API, 14 fields': (i) => [
    'HTTP/1.1 200 OK',
    'Date: Sun, 22 Nov 2026 18:00:00 GMT',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${1000 + i}`,
    'Connection: keep-alive',
    'Keep-Alive: timeout=72',
    'Cache-Control: private, max-age=0, must-revalidate',
    `ETag: W/"${hex(i * 7919, 12)}"`,
    'Vary: Accept-Encoding, Origin',
    'Access-Control-Allow-Origin: https://shop.example.com',
    'Strict-Transport-Security: max-age=31536000; includeSubDomains',
    'X-Content-Type-Options: nosniff',
    `X-RateLimit-Remaining: ${900 - i}`,
    `Set-Cookie: visit=${hex(i, 16)}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    `Server-Timing: db;dur=${i % 40}.${i % 10}`,
  ],
}

export const requestHeads: readonly Heads[] = headsOf(requestOf)
export const responseHeads: readonly Heads[] = headsOf(responseOf)

/** Each kind twice: the same head again and again, as load generators send it, and heads that differ. */
function headsOf(kinds: Readonly<Record<string, (i: number) => readonly string[]>>): Heads[] {
  return Object.entries(kinds).flatMap(([name, lines]) => [
    { name: `${name}, repeated`, heads: Array.from({ length: variants }, () => bytesOf(lines(0))) },
    { name: `${name}, varied`, heads: Array.from({ length: variants }, (_, i) => bytesOf(lines(i))) },
  ])
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** The one of `i`, which counts up for ever. */
export function headAt<T>(heads: readonly T[], i: number): T {
  return heads[i & (variants - 1)] as T
}

/** True when all of them are the same. */
export function isRepeated(heads: readonly Buffer[]): boolean {
  return heads.every((bytes) => bytes.equals(heads[0] as Buffer))
}
