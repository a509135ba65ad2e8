import { once } from 'node:events'
import {
  type ClientReadableStream,
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js'
import { expect, it, onTestFinished } from 'vitest'
import { addHealthService } from '../../../../src/grpc.ts'
import { drainOf } from '../../../../src/join/drain.ts'
import { healthDefinition } from '../../../../src/join/grpc/health-service.ts'
import { type Health, health } from '../../../../src/register.ts'

const Client = makeGenericClientConstructor(healthDefinition, 'Health')

interface Watch {
  readonly told: readonly number[]
  readonly ended: Promise<unknown>
}

/** Resolves when it has been told once. */
async function watchOf(port: number): Promise<Watch> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => client.close())
  const watch = client.Watch?.({ service: '' }) as unknown as ClientReadableStream<{ status: number }>
  const told: number[] = []
  watch.on('data', ({ status }: { status: number }) => told.push(status))
  await once(watch, 'data')
  return { told, ended: once(watch, 'end') }
}

async function serverOf(wellness: Health): Promise<{ server: Server; port: number }> {
  const server = new Server()
  onTestFinished(() => server.forceShutdown())
  addHealthService(server, wellness)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  return { server, port }
}

it('a watch of the health ends when the instance leaves, so that the drain does not wait for it', async () => {
  const wellness = health()
  const { server, port } = await serverOf(wellness)
  const { told, ended } = await watchOf(port)
  wellness.leaving()
  expect(await drainOf(server).drain(20_000)).toBe(true)
  await ended
  expect(told).toEqual([1, 2])
})

it('of two servers that share a health, the one that leaves is not kept by its watches, and the other goes on', async () => {
  const wellness = health()
  const [leaves, stays] = [await serverOf(wellness), await serverOf(wellness)]
  const [left, stayed] = [await watchOf(leaves.port), await watchOf(stays.port)]
  expect(await drainOf(leaves.server).drain(20_000)).toBe(true)
  await left.ended
  expect(left.told).toEqual([1])
  wellness.leaving()
  await stayed.ended
  expect(stayed.told).toEqual([1, 2])
})
