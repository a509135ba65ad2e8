import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('a process that ends at once has written its last lines', async () => {
  const script = fileURLToPath(new URL('../support/exiting-gateway.ts', import.meta.url))
  const child = execFile(process.execPath, [script])
  let output = ''
  child.stdout?.on('data', (text: string) => {
    output += text
  })

  const [code] = (await once(child, 'close')) as [number]

  expect(code).toBe(3)
  expect(output).toContain('"msg":"the last line"')
})
