import { fileURLToPath } from 'node:url'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { renderAdminPage } from './admin-page.ts'
import { renderCommandsPage } from './commands-page.ts'
import { renderConfigPage } from './config-page.ts'
import { renderFailuresPage } from './failures-page.ts'
import { renderFaultsPage } from './faults-page.ts'
import { renderMetricsPage } from './metrics-page.ts'
import { renderStrictnessPage } from './strictness-page.ts'

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
  { file: inRepository('docs/reference/metrics.md'), render: renderMetricsPage },
  { file: inRepository('docs/reference/faults.md'), render: renderFaultsPage },
  { file: inRepository('docs/reference/failures.md'), render: renderFailuresPage },
  { file: inRepository('docs/reference/admin.md'), render: renderAdminPage },
  { file: inRepository('docs/reference/commands.md'), render: renderCommandsPage },
  { file: inRepository('docs/reference/strictness.md'), render: renderStrictnessPage },
]

function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}
