import { createReadStream } from 'node:fs'
import { extname, resolve } from 'node:path'
import type { LoadedConfig } from './config.ts'
import type { Environment } from './env.ts'
import { ConfigError } from './finding.ts'
import { readModule } from './read-module.ts'
import { finish, parseConfig } from './parse.ts'
import { readFailure } from './read-failure.ts'

const maxFileBytes = 4 * 1024 ** 2
const textExtensions = ['.yaml', '.yml', '.json']
const moduleExtensions = ['.ts', '.mts', '.js', '.mjs']

/**
 * Reads and checks a configuration file: YAML and JSON as text, TypeScript and JavaScript by running it. Throws a
 * ConfigError, with all findings, and nothing else. Reads anew on every call.
 *
 * @param env where `${NAME}` is looked up; default the environment of this process
 */
export async function loadConfig(
  file: string,
  { env = process.env }: { env?: Environment } = {},
): Promise<LoadedConfig> {
  const extension = extname(file).toLowerCase()
  if (moduleExtensions.includes(extension)) {
    // A module's syntax tree is not ours to measure, but a file that can't be read shall be reported in the same words.
    await readText(file)
    return finish(await readModule(resolve(file)), { file, env })
  }
  if (!textExtensions.includes(extension)) {
    const known = [...textExtensions, ...moduleExtensions].join(', ')
    throw unusable(file, `${JSON.stringify(extension)} files are not understood`, `use one of ${known}`)
  }
  return parseConfig(await readText(file), { file, env })
}

async function readText(file: string): Promise<string> {
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    // One byte more than allowed, whatever the file claims to be: it may grow, or be no regular file.
    for await (const chunk of createReadStream(file, { end: maxFileBytes }) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
    }
    if (bytes > maxFileBytes) throw unusable(file, 'is larger than 4 MiB')
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw unusable(file, `can't be read: ${readFailure(error)}`)
  }
}

function unusable(file: string, message: string, hint?: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, path: '', message, ...(hint !== undefined && { hint }) }])
}
