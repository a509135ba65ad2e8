import type { ControlConfig, ServiceEntry, SourceEntry } from './control-config.ts'

/**
 * The services that a configuration's routes name.
 *
 * @throws Error when one is to come from a source that there is not
 */
export function routedServices(config: ControlConfig<SourceEntry>): readonly ServiceEntry[] {
  const routed = new Set(config.routes.map(({ service }) => service))
  const sources = new Set(config.discovery.map(({ name }) => name))
  const services = config.services.filter(({ key }) => routed.has(key))
  for (const { key, from } of services) {
    const unknown = from.find(({ source }) => !sources.has(source))
    if (unknown !== undefined) throw new Error(`service ${key}: no discovery source is named ${unknown.source}`)
  }
  return services
}
