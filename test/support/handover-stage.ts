import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { Succession } from './handover.ts'
import { type Instance, startInstances } from './instance.ts'
import { startScriptedRegistry } from './scripted-registry.ts'

export interface HandoverStage {
  readonly instances: readonly Instance[]
  readonly config: ConfigInput
  readonly succession: Succession
  /** From now on the registry does not answer those who ask for the first time. */
  readonly hold: () => void
  readonly letGo: () => void
  /** The registry loses its memory: it lists nothing, at an index that went backwards. */
  readonly forget: () => void
  /** Resolves when one asks for the first time since `hold`: a successor that prepares. */
  readonly asked: () => Promise<void>
}

export interface StageOptions {
  /** The one endpoint takes upgrades, and echoes. */
  readonly upgrades?: boolean
  /** Instances are found in a registry. */
  readonly holdsRegistry?: boolean
  readonly start?: typeof startGatewayProcess
}

/** A gateway process of two threads before two instances of the service `only`; all of it ends with the test. */
export async function handoverStage(
  changes: Partial<ConfigInput> = {},
  { upgrades = false, holdsRegistry = false, start = startGatewayProcess }: StageOptions = {},
): Promise<HandoverStage> {
  const instances = await startInstances('only', 2)
  onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
  const ports = upgrades ? [await startEcho()] : instances.map(({ port }) => port)
  const registry = await startHoldingRegistry(ports)
  const fixed = { type: 'static' as const, services: { only: ports.map((port) => `127.0.0.1:${port}`) } }
  const config: ConfigInput = {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: holdsRegistry ? { registry: { type: 'consul', address: registry.address } } : { fixed },
    routes: [{ path: '/', service: 'only' }],
    ...changes,
  }
  const succession = await Succession.start(config, start)
  onTestFinished(async () => succession.close())
  if (holdsRegistry) await succession.nth('added', 2)
  return {
    instances,
    config,
    succession,
    hold: () => registry.hold(),
    letGo: () => registry.letGo(),
    asked: async () => registry.asked(),
    forget: () => registry.forget(),
  }
}

async function startHoldingRegistry(ports: readonly number[]) {
  let gate = Promise.resolve()
  let open: (() => void) | null = null
  const forgotten = Promise.withResolvers<void>()
  let isForgetful = false
  let asked = Promise.withResolvers<void>()
  const body = ports.map((port, index) => ({
    Node: { Node: 'n', Address: '127.0.0.1' },
    Service: { ID: `only-${index}`, Service: 'only', Address: '127.0.0.1', Port: port },
    Checks: [{ CheckID: 'c', Status: 'passing' }],
  }))
  const registry = await startScriptedRegistry(async ({ index }) => {
    if (index !== null && index !== '3') await forgotten.promise
    if (isForgetful) return index === '3' ? 'hang' : { body: [], index: 3 }
    asked.resolve()
    await gate
    return { body, index: 7 }
  })
  onTestFinished(async () => {
    open?.()
    await registry.close()
  })
  return {
    address: registry.address,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      asked = Promise.withResolvers()
      open = resolve
    },
    letGo: () => open?.(),
    asked: async () => asked.promise,
    forget() {
      isForgetful = true
      forgotten.resolve()
    },
  }
}

/** Answers every upgrade, then gives back what it is sent. @returns its port */
async function startEcho(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
      socket.on('data', (bytes) => socket.write(bytes))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
