import { hostOf } from '../join/register.ts'
import { checkOptions, registrationOf } from '../join/read-options.ts'
import { well } from '../join/registration.ts'
import { CommandError } from './command-error.ts'
import type { Command } from './commands.ts'
import { joinFlags, readCheck, readJoinOptions } from './join-options.ts'
import { withRegistrar } from './with-registrar.ts'
import { readArgs, UsageError } from './usage.ts'

export const register: Command = {
  usage: '--name S --port P [--check http:/health|tcp|grpc] [--registry URL] …',
  summary: 'register what runs already, and leave it to the registry to check it; `run` keeps it registered as well',
  async run(args) {
    const { values } = readArgs({ args, options: joinFlags })
    const check = readCheck(values) ?? { tcp: true }
    if ('ttl' in check) throw new UsageError('nobody would send the heartbeats of a ttl check; use `tidegate run`')
    const options = { ...readJoinOptions(values, 'register'), check }
    checkOptions(options)
    return withRegistrar(values.registry, async (registrar, signal) => {
      if (!registrar.makesChecks) {
        const message = `${registrar.title} makes no checks, and forgets what sends no heartbeats; use \`tidegate run\``
        throw new CommandError(message)
      }
      const registration = registrationOf(options, options.address ?? (await hostOf(registrar)))
      for (const warning of registrar.warnings(registration)) console.error(`tidegate: ${warning}`)
      await registrar.register(registration, well, signal)
      console.log(`${registration.name} is registered as ${registration.id} at ${registrar.title}`)
    })
  },
}
