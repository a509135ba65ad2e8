import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tidegate as measured } from '../../macro/competitors/tidegate.ts'
import type { Edge, EdgeSetting } from './edge.ts'

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const inFront = ['thread-faults', 'jumping-clock'].map((name) => new URL(`../${name}.ts`, import.meta.url).href)

/** As it is by default, but for a quiet log unless somebody reads it: two threads where there are two cores, instances from Consul. */
export const tidegate: Edge = {
  available: () => null,
  version: () => measured().version(),
  start(setting, launch) {
    writeConfig(setting, 0)
    const imports = inFront.flatMap((module) => ['--import', module])
    const { maxOpenFiles, logPipe } = setting
    // Each replaces itself by the next: the process id stays.
    const [command, ...args] = [
      ...(maxOpenFiles === null ? [] : ['prlimit', `--nofile=${maxOpenFiles}:${maxOpenFiles}`]),
      ...(logPipe === null ? [] : ['sh', '-c', 'exec "$@" >"$0"', logPipe]),
      process.execPath,
      ...imports,
      cli,
      'start',
      '-c',
      configFile(setting),
    ]
    return launch(command, args)
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
  const { port, adminPort, consul, service, engine, serviceKeys, logPipe } = setting
  return {
    listeners: [{ name: 'edge', address: `127.0.0.1:${port}`, engine }],
    admin: { address: `127.0.0.1:${adminPort}` },
    log: { access: logPipe !== null },
    discovery: { consul: { type: 'consul', address: consul } },
    services: { [service]: serviceKeys },
    routes: [
      { path: '/', service },
      { path: `/revision-${revision}`, service },
    ],
  }
}
