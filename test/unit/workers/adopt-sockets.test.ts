import { openSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HandedSocket } from '../../../src/core/listen-socket.ts'
import { adoptSockets } from '../../../src/workers/adopt-sockets.ts'

function handed(changes: Partial<HandedSocket>): HandedSocket {
  return {
    // Closed where nobody wants it.
    fd: openSync('/dev/null', 'r'),
    listener: 'edge',
    host: '0.0.0.0',
    port: 8080,
    configuredPort: 8080,
    isAdmin: false,
    reusePort: true,
    isLent: false,
    ...changes,
  }
}

const options = {
  admin: { host: '127.0.0.1', port: 9900 },
  lent: [],
  plan: { workers: 2, sharesPorts: true },
  columns: 3,
  onProblem: () => {},
}

async function adopt(listener: { name: string; host: string; port: number }, socket: Partial<HandedSocket>) {
  return adoptSockets({ ...options, listeners: [listener], handed: [handed(socket)] })
}

it('gives a socket to the listener at its address, whatever the name', async () => {
  const { given, open } = await adopt({ name: 'front', host: '0.0.0.0', port: 8080 }, {})
  expect(given).toMatchObject([{ listener: 'front', host: '0.0.0.0', port: 8080 }])
  expect(open).toEqual([{ name: 'front', host: '0.0.0.0', port: 8080, configuredPort: 8080 }])
})

it('gives one of any port to the listener of its name that asks for any', async () => {
  const any = { port: 43210, configuredPort: 0 }
  expect((await adopt({ name: 'edge', host: '0.0.0.0', port: 0 }, any)).given).toHaveLength(1)
  expect((await adopt({ name: 'other', host: '0.0.0.0', port: 0 }, any)).given).toEqual([])
})

it.each([
  ['::1', '0:0:0:0:0:0:0:1'],
  ['127.0.0.1', 'localhost'],
  ['::', '0.0.0.0'],
])('finds %s to be what a listener at %s wants', async (host, wanted) => {
  expect((await adopt({ name: 'edge', host: wanted, port: 8080 }, { host })).given).toHaveLength(1)
})

it('closes what nobody wants, and lets its port be opened beside the predecessor', async () => {
  const { given, unclaimed, open } = await adopt({ name: 'edge', host: '127.0.0.1', port: 8080 }, {})
  expect(given).toEqual([])
  expect(unclaimed).toEqual([{ name: 'edge', address: '0.0.0.0:8080' }])
  expect(open).toMatchObject([{ name: '', host: '0.0.0.0', port: 8080 }])
})

it('keeps the socket of the admin server apart from a listener of that name', async () => {
  const socket = { listener: 'admin', host: '127.0.0.1', port: 9900, configuredPort: 9900, isAdmin: true }
  const adopted = await adopt({ name: 'admin', host: '127.0.0.1', port: 9901 }, socket)
  expect(adopted.admin).toMatchObject({ port: 9900 })
  expect(adopted.given).toEqual([])
})
