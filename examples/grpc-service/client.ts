import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { registerResolvers } from 'tidegate/grpc'
import { greeter } from './greeter.ts'

registerResolvers()
const Greeter = makeGenericClientConstructor(greeter, 'Greeter')
const client = new Greeter(process.env.TARGET ?? 'consul:///greeter', credentials.createInsecure())

for (let call = 0; call < 3; call++) {
  const answer = await new Promise<string>((resolve, reject) => {
    const deadline = Date.now() + 5000
    client.Greet?.('you', { deadline }, (error: Error | null, text: string) =>
      error === null ? resolve(text) : reject(error),
    )
  })
  console.log(answer)
}
client.close()
