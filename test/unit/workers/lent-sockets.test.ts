import { fstatSync, openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { LentSockets } from '../../../src/workers/lent-sockets.ts'

const open = () => openSync('/dev/null', 'r')

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

function stage(isLent: boolean) {
  const socket = { fd: open(), listener: 'edge', host: '127.0.0.1', port: 8080 }
  const copies = [open(), open()]
  const copying = Promise.withResolvers<number>()
  const duplicate = async () => [{ address: null, copies: [await copying.promise] }]
  return { socket, copies, copying, sockets: new LentSockets([{ socket, isLent, copies }], 2, () => {}, duplicate) }
}

it('keeps a lent socket that no listener wants, and names it once each time', () => {
  const { socket, copies, sockets } = stage(true)
  expect(sockets.keep([socket])).toEqual([])
  expect(sockets.keep([])).toEqual([socket])
  expect(sockets.keep([])).toEqual([])
  expect([socket.fd, ...copies].every(isOpen)).toBe(true)
  expect(sockets.keep([socket])).toEqual([])
  expect(sockets.keep([])).toEqual([socket])
})

it('closes one of our own that no listener wants, with its copies, those too that are made just then', async () => {
  const { socket, copies, copying, sockets } = stage(false)
  const [taken] = sockets.take(socket.host, socket.port)
  expect(taken?.fd).toBe(copies[0])
  expect(sockets.keep([])).toEqual([])
  expect(sockets.holds(socket.host, socket.port)).toBe(false)
  expect([isOpen(socket.fd), isOpen(copies[1] as number)]).toEqual([false, false])
  // Its thread closes it.
  expect(isOpen(copies[0] as number)).toBe(true)
  const late = open()
  copying.resolve(late)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOpen(late)).toBe(false)
})
