import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { addHealthService } from 'tidegate/grpc'
import { health, register } from 'tidegate/register'
import { greeter } from './greeter.ts'

const server = new Server()
const wellness = health()
server.addService(greeter, {
  Greet: (call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) => {
    answer(null, `hello ${call.request}, says ${process.pid}`)
  },
})
addHealthService(server, wellness, ['greeter.Greeter'])

const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync(`0.0.0.0:${process.env.PORT ?? 0}`, ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) resolve(bound)
    else reject(error)
  })
})
const joined = await register({
  name: process.env.SERVICE ?? 'greeter',
  port,
  meta: { protocol: 'grpc' },
  health: wellness,
  server,
})
const { name, id, host } = joined.registration
console.log(`${name} is ${id} at http://${host}:${port}`)
