import { extname, resolve } from 'node:path'
import type { LoadedConfig } from './config.ts'
import type { Environment } from './env.ts'
import { ConfigError } from './finding.ts'
import { readModule } from './read-module.ts'
import { finish, parseConfig } from './parse.ts'
import { readText, UnreadableText } from './read-text.ts'

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
    await readConfigText(file)
    return finish(await readModule(resolve(file)), { file, env })
  }
  if (!textExtensions.includes(extension)) {
    const known = [...textExtensions, ...moduleExtensions].join(', ')
    throw unusable(file, `${JSON.stringify(extension)} files are not understood`, `use one of ${known}`)
  }
  return parseConfig(await readConfigText(file), { file, env })
}

async function readConfigText(file: string): Promise<string> {
  try {
    return await readText(file, 4)
  } catch (error) {
    if (error instanceof UnreadableText) throw unusable(file, error.message)
    throw error
  }
}

function unusable(file: string, message: string, hint?: string): ConfigError {
  return new ConfigError([{ file, line: null, column: null, path: '', message, ...(hint !== undefined && { hint }) }])
}
