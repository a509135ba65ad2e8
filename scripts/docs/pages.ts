import { fileURLToPath } from 'node:url'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { renderConfigPage } from './config-page.ts'

export interface Page {
  /** Absolute path. */
  readonly file: string
  readonly render: () => string
}

/** Everything that is generated from the sources. */
export const pages: readonly Page[] = [
  {
    file: inRepository('config/tidegate.schema.json'),
    render: () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  },
  { file: inRepository('docs/reference/config.md'), render: () => renderConfigPage(configJsonSchema()) },
]

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}
