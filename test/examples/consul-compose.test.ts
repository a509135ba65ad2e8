import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { parseRegistryUrl } from '../../src/join/registry-url.ts'
import { runCommand } from '../support/cli.ts'
import { readDockerfile } from '../support/dockerfile.ts'

const folder = new URL('../../examples/consul-compose/', import.meta.url).pathname
const root = join(folder, '../..')
const configFolder = join(root, 'config')

interface ComposeService {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile?: string }
  readonly command?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: readonly string[]
}

const read = (path: string): unknown => parse(readFileSync(path, 'utf8'), { merge: true })
const compose = read(join(folder, 'compose.yaml')) as { services: Readonly<Record<string, ComposeService>> }
const services = Object.entries(compose.services).map(([name, service]) => ({ name, ...service }))
const { gateway, grafana } = compose.services as Record<'gateway' | 'grafana', ComposeService>
const joining = services.filter(({ environment }) => environment?.TIDEGATE_REGISTRY !== undefined)

/** `HOST:CONTAINER` or `ADDRESS:HOST:CONTAINER`. */
const portOf = (published: string): number => Number(published.split(':').at(-1))

/** `SOURCE:TARGET:ro` */
function mountsOf({ volumes = [] }: ComposeService): { source: string; target: string; mode: string }[] {
  return volumes.map((volume) => {
    const [source = '', target = '', mode = ''] = volume.split(':')
    return { source: join(folder, source), target, mode }
  })
}

/** What compose makes of `${NAME:-default}` where the variable is not set. */
function environmentOf({ environment = {} }: ComposeService): Record<string, string> {
  const entries = Object.entries(environment)
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')]))
}

describe('compose.yaml', () => {
  it('has a registry, two services, the gateway, Prometheus and Grafana', () => {
    expect(services.map(({ name }) => name)).toEqual(['consul', 'users', 'orders', 'gateway', 'prometheus', 'grafana'])
  })

  it.each(services.filter(({ build }) => build === undefined))(
    '$name is an image of one fixed version',
    ({ image }) => {
      expect(image).toMatch(/^(hashicorp|prom|grafana)\/\w+:v?\d+\.\d+\.\d+$/)
    },
  )

  it.each(services.filter(({ build }) => build !== undefined))('$name is built from what is there', (service) => {
    const { context = '', dockerfile = 'Dockerfile' } = service.build ?? {}
    expect(join(folder, context)).toBe(root)
    const { missing, images } = readDockerfile(dockerfile)
    expect(missing).toEqual([])
    for (const from of images) expect(from).toMatch(/^node:\d+-slim$/)
  })

  it.each(services)('$name mounts files that are there, to read', (service) => {
    const mounts = mountsOf(service)
    expect(mounts.filter(({ source }) => !existsSync(source))).toEqual([])
    expect(mounts.filter(({ mode }) => mode !== 'ro')).toEqual([])
  })

  it.each(services)('$name waits for services that are there', ({ depends_on = [] }) => {
    for (const name of depends_on) expect(Object.keys(compose.services)).toContain(name)
  })

  it('opens nothing to the outside but the gateway, and no port twice', () => {
    const published = services.flatMap(({ ports = [] }) => ports)
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(['8080:8080'])
    expect(new Set(published.map((port) => port.split(':').at(-2))).size).toBe(published.length)
  })

  it('has an address for each that a file names', async () => {
    const { config } = await loadConfig(join(folder, 'gateway.yaml'), { env: environmentOf(gateway) })
    const prometheus = read(join(configFolder, 'prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[]
    }
    const { datasources } = read(join(configFolder, 'grafana/provisioning/datasources/prometheus.yaml')) as {
      datasources: { url: string }[]
    }
    const named = [
      ...config.discovery.flatMap((source) => (source.type === 'consul' ? [new URL(source.address).host] : [])),
      ...joining.flatMap(({ environment }) => parseRegistryUrl(environment?.TIDEGATE_REGISTRY ?? '').hosts),
      ...prometheus.scrape_configs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets)),
      ...datasources.map(({ url }) => new URL(url).host),
    ]
    expect(named).toHaveLength(5)
    const served = services.flatMap(({ name, ports = [] }) => ports.map((port) => `${name}:${portOf(port)}`))
    for (const host of named) expect(served).toContain(host)
  })

  it('has Grafana find the dashboard where it looks', () => {
    const { providers } = read(join(configFolder, 'grafana/provisioning/dashboards/tidegate.yaml')) as {
      providers: { options: { path: string } }[]
    }
    const paths = providers.map(({ options }) => options.path)
    const mounted = mountsOf(grafana).filter(({ target }) => paths.includes(target))
    expect(mounted.map(({ source }) => existsSync(join(source, 'tidegate.json')))).toEqual([true])
  })
})

describe('gateway.yaml', () => {
  it('passes `tidegate check` with the variables that compose sets', async () => {
    for (const [name, value] of Object.entries(environmentOf(gateway))) vi.stubEnv(name, value)
    expect(await runCommand('check', join(folder, 'gateway.yaml'))).toMatchObject({ exitCode: 0, stderr: '' })
    vi.unstubAllEnvs()
  })

  it('routes to the services that join, on the ports that are published', async () => {
    const { config } = await loadConfig(join(folder, 'gateway.yaml'), { env: environmentOf(gateway) })
    const routed = config.routes.map(({ service }) => service)
    expect(routed).toEqual(joining.map(({ environment }) => environment?.SERVICE))
    const ports = [...config.listeners.map(({ port }) => port), config.admin.port]
    expect(gateway.ports?.map(portOf)).toEqual(ports)
    expect(config.admin.publicMetrics).toBe(true)
  })

  it('is where the image looks for it', () => {
    const targets = mountsOf(gateway).map(({ target }) => target)
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
    expect(dockerfile).toContain(`CMD ["start", "-c", ${JSON.stringify(targets[0])}]`)
  })
})
