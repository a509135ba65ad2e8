import { describe, expect, test } from 'vitest'
import { describeConfig } from '../../../src/config/describe.ts'
import { parseConfig } from '../../../src/config/parse.ts'

async function shown(token: string, env: Record<string, string> = {}) {
  const text = `admin: { token: ${JSON.stringify(token)} }\nroutes: [{ path: "/", service: "\${S:-api}" }]`
  return describeConfig(await parseConfig(text, { file: 'tidegate.yaml', env })) as { config: Record<string, unknown> }
}

describe('describeConfig', () => {
  test('shows what was written, with variables by name', async () => {
    expect(await shown('${ADMIN}', { ADMIN: 's3cret', S: 'other' })).toEqual({
      file: 'tidegate.yaml',
      config: { admin: { token: '${ADMIN}' }, routes: [{ path: '/', service: '${S:-api}' }] },
    })
  })

  test.each(['s3cret', 'x${ADMIN}', '${ADMIN:-s3cret}', '$$s3cret'])('never shows the secret %s', async (token) => {
    expect((await shown(token, { ADMIN: 's3cret' })).config['admin']).toEqual({ token: '[redacted]' })
  })

  test.each(['', '${ADMIN:-}', '${A:-}${B:-}'])('shows %j, which tells nothing', async (token) => {
    expect((await shown(token)).config['admin']).toEqual({ token })
  })

  test('redacts tokens of sources, and whatever else is called so', async () => {
    const text = `
      discovery:
        consul: { type: consul, token: s3cret }
        local: { type: static, services: { a: [{ address: "a:1", meta: { token: s3cret } }] } }
      routes: []`
    const described = JSON.stringify(describeConfig(await parseConfig(text, { file: 'tidegate.yaml', env: {} })))
    expect(described).not.toContain('s3cret')
    expect(described.match(/\[redacted\]/g)).toHaveLength(2)
  })
})
