import { normalizeHost } from '../../src/util/host.ts'
import { normalizePath } from '../../src/util/path.ts'
import type { Benchmark, Suite } from './benchmark.ts'

/** Cut out of longer strings, as an engine makes them. */
function texts(of: (index: number) => string): string[] {
  return Array.from({ length: 512 }, (_, index) =>
    Buffer.from(`GET ${of(index)} HTTP/1.1`)
      .toString('latin1')
      .slice(4, -9),
  )
}

function normalizing(
  name: string,
  of: (index: number) => string,
  normalize: (text: string) => string | null,
): Benchmark {
  const inputs = texts(of)
  return {
    name,
    run(operations) {
      let length = 0
      for (let i = 0; i < operations; i++) length += normalize(inputs[i & 511]!)?.length ?? 0
      return length
    },
  }
}

export const normalize: Suite = () => [
  normalizing('normalizePath: in normal form', (i) => `/api/user-service/items/${i}/detail`, normalizePath),
  normalizing('normalizePath: dot segments', (i) => `/static/../api/user-service/items/${i}/detail`, normalizePath),
  normalizing('normalizeHost: in normal form', (i) => `gateway-${i}.example.com`, normalizeHost),
]
