import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { greeter } from '../../examples/grpc-service/greeter.ts'
import { registerResolvers } from '../../src/grpc.ts'

// A program that calls TARGET once, and then has nothing to do; with CLOSES=true it closes its channel first.

registerResolvers()
const Greeter = makeGenericClientConstructor(greeter, 'Greeter')
const client = new Greeter(process.env.TARGET ?? '', credentials.createInsecure())
client.Greet?.('you', (error: Error | null, answer: string) => {
  console.log(error === null ? answer : error.message)
  if (process.env.CLOSES === 'true') client.close()
})
