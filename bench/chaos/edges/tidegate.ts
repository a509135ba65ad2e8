import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tidegate as measured } from '../../macro/competitors/tidegate.ts'
import type { Edge, EdgeSetting } from './edge.ts'

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const threadFaults = new URL('../thread-faults.ts', import.meta.url).href

/** As it is by default, but for a quiet log: two threads where there are two cores, instances from Consul. */
export const tidegate: Edge = {
  available: () => null,
  version: () => measured().version(),
  start(setting, launch) {
    writeConfig(setting, 0)
    const started = [process.execPath, '--import', threadFaults, cli, 'start', '-c', configFile(setting)]
    const { maxOpenFiles } = setting
    if (maxOpenFiles === null) return launch(started[0] as string, started.slice(1))
    return launch('prlimit', [`--nofile=${maxOpenFiles}:${maxOpenFiles}`, ...started])
  },
}

/** Writes the configuration again. @param revision another one is another configuration, which serves the same */
export function writeConfig(setting: EdgeSetting, revision: number): void {
  writeFileSync(configFile(setting), JSON.stringify(configuration(setting, revision)))
}

function configFile({ directory }: EdgeSetting): string {
  return join(directory, 'gateway.yaml')
}

function configuration(setting: EdgeSetting, revision: number): object {
  const { port, adminPort, consul, service, engine, serviceKeys } = setting
  return {
    listeners: [{ name: 'edge', address: `127.0.0.1:${port}`, engine }],
    admin: { address: `127.0.0.1:${adminPort}` },
    log: { access: false },
    discovery: { consul: { type: 'consul', address: consul } },
    services: { [service]: serviceKeys },
    routes: [
      { path: '/', service },
      { path: `/revision-${revision}`, service },
    ],
  }
}
