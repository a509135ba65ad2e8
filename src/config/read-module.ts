import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { toPlainTree } from './plain-tree.ts'
import type { Written } from './written.ts'

let loads = 0

/**
 * Runs a TypeScript or JavaScript module and takes its default export. The module and what it imports by relative path run
 * anew on every load (each load stays in memory, as modules do); `import … from 'tidegate'` is the running package, wherever
 * the file lies. Never throws: what is wrong is in `problems`.
 */
export async function readModule(file: string): Promise<Written> {
  const token = `tidegate-load=${process.pid}-${++loads}`
  const entry = pathToFileURL(file)
  entry.search = token
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === entry.href) return next(specifier, context)
      if (context.parentURL === undefined || !context.parentURL.endsWith(`?${token}`)) return next(specifier, context)
      if (specifier === 'tidegate') return next(ownIndex(), context)
      const resolved = next(specifier, context)
      return isRelative(specifier) ? { ...resolved, url: `${resolved.url}?${token}` } : resolved
    },
  })
  try {
    const exported = (await import(entry.href)) as { default?: unknown }
    if (!('default' in exported)) return broken('has no default export', 'write `export default defineConfig({ … })`')
    return { ...toPlainTree(exported.default), locate: () => null }
  } catch (error) {
    return broken(describeFailure(error))
  } finally {
    hooks.deregister()
  }
}

/** Beside this file's folder, as source or as built: whichever this one is. */
function ownIndex(): string {
  return new URL(`../index${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../')
}

function broken(message: string, hint?: string): Written {
  return { tree: null, problems: [{ path: [], message, ...(hint !== undefined && { hint }) }], locate: () => null }
}

function describeFailure(error: unknown): string {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return `can't be loaded: ${reason.replace(/\?tidegate-load=[\d-]+/g, '').replace(/\s+/g, ' ')}`
}
