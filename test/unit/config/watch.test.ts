import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprintNow } from '../../../src/util/file-version.ts'
import { type ConfigWatch, watchConfig } from '../../../src/config/watch.ts'

let folder = ''
let file = ''
let watching: ConfigWatch | null = null
let changes = 0
let wake: () => void = () => {}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-watch-'))
  file = join(folder, 'tidegate.yaml')
  changes = 0
})
afterEach(() => {
  watching?.close()
  rmSync(folder, { recursive: true })
})

function watchIt(path = file): void {
  watching = watchConfig(path, () => {
    changes += 1
    wake()
  })
}

/** Does something to the file and waits for the change that it makes. */
async function changeBy(action: () => void): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    wake = resolve
  })
  action()
  await changed
}

const versionOf = (path: string) => ({ path, fingerprint: fingerprintNow(path) })

describe('watchConfig', () => {
  test('sees a file written in place, again and again', async () => {
    writeFileSync(file, 'a')
    watchIt()
    await changeBy(() => writeFileSync(file, 'bb'))
    await changeBy(() => writeFileSync(file, 'ccc'))
    expect(changes).toBe(2)
  })

  test('sees another file renamed over it, as editors do', async () => {
    writeFileSync(file, 'a')
    watchIt()
    for (const content of ['b', 'c']) {
      await changeBy(() => {
        writeFileSync(`${file}~`, content)
        renameSync(`${file}~`, file)
      })
    }
    expect(changes).toBe(2)
  })

  test('sees the link beside it swapped, as Kubernetes does', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(join(folder, version))
      writeFileSync(join(folder, version, 'tidegate.yaml'), version)
    }
    symlinkSync('1', join(folder, '..data'))
    symlinkSync(join('..data', 'tidegate.yaml'), file)
    watchIt()
    await changeBy(() => {
      symlinkSync('2', join(folder, '..data_tmp'))
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    })
    expect(changes).toBe(1)
  })

  test('takes several writes in a row for one change', async () => {
    writeFileSync(file, 'a')
    watchIt()
    await changeBy(() => {
      for (const content of ['', 'b', 'bc', 'bcd']) writeFileSync(file, content)
    })
    await changeBy(() => writeFileSync(file, 'last'))
    expect(changes).toBe(2)
  })

  test('is not disturbed by other files of the directory, nor by the file going away', async () => {
    writeFileSync(file, 'a')
    watchIt()
    writeFileSync(join(folder, 'other'), 'x')
    rmSync(file)
    await changeBy(() => writeFileSync(file, 'back'))
    expect(changes).toBe(1)
  })

  test('sees a file that was not there at first', async () => {
    watchIt()
    await changeBy(() => writeFileSync(file, 'a'))
    expect(changes).toBe(1)
  })

  test('finds a change by looking where no events come', async () => {
    mkdirSync(join(folder, 'elsewhere'))
    const real = join(folder, 'elsewhere', 'real.yaml')
    writeFileSync(real, 'a')
    symlinkSync(real, file)
    watchIt()
    await changeBy(() => writeFileSync(real, 'bb'))
    expect(changes).toBe(1)
  })

  test('does without a directory that can be watched', async () => {
    const late = join(folder, 'late', 'tidegate.yaml')
    watchIt(late)
    await changeBy(() => {
      mkdirSync(join(folder, 'late'))
      writeFileSync(late, 'a')
    })
    expect(changes).toBe(1)
  })

  test('says nothing more once it is closed', async () => {
    writeFileSync(file, 'a')
    watchIt()
    const closed = watching
    let other = 0
    const second = watchConfig(file, () => {
      other += 1
      wake()
    })
    closed?.close()
    await changeBy(() => writeFileSync(file, 'bb'))
    second.close()
    expect({ changes, other }).toEqual({ changes: 0, other: 1 })
  })

  describe('of files that the configuration names', () => {
    let key = ''
    beforeEach(() => {
      mkdirSync(join(folder, 'tls'))
      key = join(folder, 'tls', 'edge.key')
      writeFileSync(file, 'a')
    })

    test('sees one that is written, and the configuration all the same', async () => {
      writeFileSync(key, 'a')
      watchIt()
      watching?.follow([versionOf(key)])
      await changeBy(() => writeFileSync(key, 'bb'))
      await changeBy(() => writeFileSync(file, 'bb'))
      expect(changes).toBe(2)
    })

    test('sees a change that came between its reading and now', async () => {
      writeFileSync(key, 'a')
      const read = versionOf(key)
      writeFileSync(key, 'bb')
      watchIt()
      await changeBy(() => watching?.follow([read]))
      expect(changes).toBe(1)
    })

    test('takes certificate and key, written one after the other, for one change', async () => {
      const cert = join(folder, 'tls', 'edge.pem')
      for (const path of [cert, key]) writeFileSync(path, 'a')
      watchIt()
      watching?.follow([versionOf(cert), versionOf(key)])
      await changeBy(() => {
        for (const path of [cert, key]) writeFileSync(path, 'bb')
      })
      await changeBy(() => writeFileSync(key, 'last'))
      expect(changes).toBe(2)
    })

    test('sees one that was missing come, and tells nothing of one that goes', async () => {
      const cert = join(folder, 'tls', 'edge.pem')
      writeFileSync(cert, 'a')
      watchIt()
      watching?.follow([versionOf(cert), versionOf(key)])
      rmSync(cert)
      await changeBy(() => writeFileSync(key, 'a'))
      expect(changes).toBe(1)
    })

    test('sees a change of the configuration once, whatever it names from then on', async () => {
      writeFileSync(key, 'a')
      watchIt()
      await changeBy(() => writeFileSync(file, 'bb'))
      watching?.follow([versionOf(key)])
      await changeBy(() => writeFileSync(key, 'bb'))
      watching?.follow([])
      writeFileSync(key, 'ccc')
      await changeBy(() => writeFileSync(file, 'ccc'))
      expect(changes).toBe(3)
    })
  })
})
