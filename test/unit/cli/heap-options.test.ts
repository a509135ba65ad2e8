import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { pretenuring } from '../../../src/cli/heap-options.ts'

it('names an option that this V8 has, which would only complain of another', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--v8-options'], { maxBuffer: 2 ** 24 })
  expect(stdout).toContain(`--${pretenuring} (`)
})
