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
import { health } from '../../../../src/register.ts'

const Client = makeGenericClientConstructor(healthDefinition, 'Health')

it('a watch of the health ends when the instance leaves, so that the drain does not wait for it', async () => {
  const server = new Server()
  const wellness = health()
  addHealthService(server, wellness)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => {
    client.close()
    server.forceShutdown()
  })
  const watch = client.Watch?.({ service: '' }) as unknown as ClientReadableStream<{ status: number }>
  const told: number[] = []
  watch.on('data', ({ status }: { status: number }) => told.push(status))
  await once(watch, 'data')
  const ended = once(watch, 'end')
  wellness.leaving()
  expect(await drainOf(server).drain(20_000)).toBe(true)
  await ended
  expect(told).toEqual([1, 2])
})
