import type { Socket } from 'node:net'
import { expect, it } from 'vitest'
import type { ProxyContext } from '../../../../src/proxy/context.ts'
import { Output } from '../../../../src/proxy/h1/output.ts'
import { SpareWriteRequest, type WriteRequest } from '../../../../src/proxy/h1/write-request.ts'

/** Keeps every request, as a handle does whose first try to write did not take all and whose second one did: nothing waits. */
class KeepingHandle {
  readonly kept: WriteRequest[] = []

  writeLatin1String(request: WriteRequest): number {
    this.kept.push(request)
    request.getAsyncId = () => this.kept.length
    return 0
  }
}

function outputOver(handle: KeepingHandle, writeRequests: SpareWriteRequest | null, drained: () => void): Output {
  const socket = { _handle: handle, writableLength: 0, writableNeedDrain: false }
  return new Output(socket as unknown as Socket, { writeRequests } as unknown as ProxyContext, drained)
}

it('uses no write request again that a handle still has, though nothing waits in it', () => {
  const handle = new KeepingHandle()
  const requests = SpareWriteRequest.find()
  let drains = 0
  for (let i = 0; i < 3; i++) {
    const output = outputOver(handle, requests, () => drains++)
    output.text('answer')
    output.flush()
    expect(output.isWaiting).toBe(true)
  }
  expect(new Set(handle.kept).size).toBe(3)
  for (const request of handle.kept) request.oncomplete?.(0)
  expect(drains).toBe(3)
})
