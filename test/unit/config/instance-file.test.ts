import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readInstanceFile } from '../../../src/config/instance-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-instances-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What is read, with the folder left out of what is said. */
async function read(text: string, name = 'instances.yaml') {
  const file = join(folder, name)
  writeFileSync(file, text)
  const shown = (words: string) => words.replaceAll(`${folder}/`, '')
  try {
    const lists = [...(await readInstanceFile(file))].map(([service, { instances, skipped }]) => ({
      [service]: instances.map(({ host, port, weight, zone }) => `${host}:${port} ${weight}${zone}`),
      ...(skipped.length > 0 && { skipped: skipped.map(({ entry, reason }) => shown(`${entry}: ${reason}`)) }),
    }))
    return lists
  } catch (error) {
    return shown((error as Error).message)
  }
}

describe('an instance file', () => {
  test.each([
    ['YAML', 'instances.yaml', 'web:\n  - 10.0.0.1:80\n  - { address: "[::1]:81", weight: 3, zone: a }\nnone: []\n'],
    ['JSON', 'instances.json', '{"web":["10.0.0.1:80",{"address":"[::1]:81","weight":3,"zone":"a"}],"none":[]}'],
  ])('lists instances by service, in %s', async (_, name, text) => {
    expect(await read(text, name)).toEqual([{ web: ['10.0.0.1:80 1', '::1:81 3a'] }, { none: [] }])
  })

  test('loses no neighbour to a bad entry, and says where each stands', async () => {
    const text = [
      'web:',
      '  - "10.0.0.1:80"',
      '  - { address: "10.0.0.2:80", weight: -3 }',
      '  - { adress: "10.0.0.3:80" }',
      '  - "10.0.0.4"',
      'orders: "10.0.0.5:80"',
      'bills: ["10.0.0.6:80"]',
    ]
    expect(await read(text.join('\n'))).toEqual([
      {
        web: ['10.0.0.1:80 1'],
        skipped: [
          'instances.yaml:3:39 web[1].weight: must be at least 0',
          'instances.yaml:4:5 web[2].address: is required',
          'instances.yaml:4:7 web[2].adress: unknown key; did you mean "address"?',
          'instances.yaml:5:5 web[3]: expected host:port, got "10.0.0.4"; add a port: "10.0.0.4:8080"',
        ],
      },
      { orders: [], skipped: ['instances.yaml:6:9 orders: expected a list of instances; put it into [ ]'] },
      { bills: ['10.0.0.6:80 1'] },
    ])
  })

  test('says where an entry of JSON stands, too', async () => {
    expect(await read('{\n  "web": ["10.0.0.1:80", 7]\n}', 'instances.json')).toEqual([
      {
        web: ['10.0.0.1:80 1'],
        skipped: [expect.stringContaining('instances.json:2:26 web[1]: expected text or a map')],
      },
    ])
  })

  test.each([
    ['half of it', '{"web": ["10.0.0.1:80"', 'instances.yaml:1:23: Flow sequence in block collection'],
    ['nothing', '', 'instances.yaml:1:1: expected lists of instances by service name; write {} for none'],
    ['another shape', '- web', 'instances.yaml:1:1: expected lists of instances by service name; begin with a service'],
    ['a service twice', 'web: []\nweb: []', 'instances.yaml:2:1 web: written twice; the first is on line 1'],
  ])('is an error where it holds %s', async (_, text, message) => {
    expect(await read(text)).toContain(message)
  })

  test('is an error where it is not there, or is something else', async () => {
    await expect(readInstanceFile(join(folder, 'none.yaml'))).rejects.toThrow(
      "none.yaml can't be read: there is no such file",
    )
    await expect(readInstanceFile(folder)).rejects.toThrow("can't be read: it is a directory")
  })
})
