import type { ConfigInput } from './schema.ts'

/** Gives a TypeScript configuration its types: `export default defineConfig({ routes: [ … ] })`. Returns what it is given. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
