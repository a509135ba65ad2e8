/** Finds a program for the tests, or fetches it as a Debian package by the apt sources that this machine has. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

export interface DebianProgram {
  /** For people. */
  readonly title: string
  /** Name of the executable on PATH and in the package's /usr/bin. */
  readonly command: string
  /** The environment variable that names another one. */
  readonly variable: string
  readonly package: string
  readonly suite: string
  /** Prints the version: proof that what was fetched runs here. */
  readonly versionArgs: readonly string[]
  /** What to do where it can't be had. */
  readonly wayOut: string
}

const run = promisify(execFile)
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The path of the program: what the environment names, else the one on PATH, else the one in the cache, else one from Debian. Fetching
 * takes seconds and some 10 to 25 MB; it happens once per checkout. Rejects with the reason and what to install where it can't be
 * had. Two callers at once don't disturb each other.
 */
export async function findOrFetch(program: DebianProgram): Promise<string> {
  const { variable, command, title, wayOut } = program
  const chosen = process.env[variable]
  if (chosen) {
    if (await isExecutable(chosen)) return chosen
    throw new Error(`${variable} names ${chosen}, which is not an executable file. ${wayOut}`)
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, command)
    if (folder && (await isExecutable(candidate))) return candidate
  }
  const cached = join(cacheFolder(program), command)
  if (await isExecutable(cached)) return cached
  try {
    return await fetchFromDebian(program)
  } catch (error) {
    throw new Error(`${title} could not be fetched: ${describe(error)}\n${wayOut}`, { cause: error })
  }
}

/** For a script of its own: prints the path, or the reason. */
export async function printPath(program: DebianProgram): Promise<void> {
  try {
    process.stdout.write(`${await findOrFetch(program)}\n`)
  } catch (error) {
    progress(describe(error))
    process.exitCode = 1
  }
}

function cacheFolder({ command }: DebianProgram): string {
  return join(import.meta.dirname, '..', '.cache', command)
}

async function fetchFromDebian(program: DebianProgram): Promise<string> {
  const mirrors = await aptMirrors()
  const folder = cacheFolder(program)
  await mkdir(folder, { recursive: true })
  // Beside its final place, so that the rename below stays within one file system and is atomic.
  const workFolder = await mkdtemp(join(folder, 'fetch-'))
  try {
    const failures: string[] = []
    for (const mirror of mirrors) {
      try {
        return await fetchFromMirror(program, mirror, workFolder)
      } catch (error) {
        failures.push(`${mirror}: ${describe(error)}`)
      }
    }
    throw new Error(`no configured apt mirror serves ${program.suite}:\n${failures.join('\n')}`)
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** Addresses of the archives this machine already takes packages from; `--no-release-info` lists them before the first `apt-get update` too. */
async function aptMirrors(): Promise<string[]> {
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)'
  const { stdout } = await run('apt-get', ['indextargets', '--no-release-info', '--format', format])
  const mirrors = new Set<string>()
  for (const line of stdout.split('\n')) {
    const [address = '', release = '', component = ''] = line.split('|')
    const isSideArchive = /[-/](security|updates|backports|proposed)/.test(release)
    if (address && component === 'main' && !isSideArchive) mirrors.add(address)
  }
  if (mirrors.size === 0) throw new Error("apt's sources name no Debian archive")
  return [...mirrors]
}

async function fetchFromMirror(program: DebianProgram, mirror: string, workFolder: string): Promise<string> {
  const { title, command, suite } = program
  const sources = join(workFolder, 'sources.list')
  const lists = join(workFolder, 'lists')
  const cache = join(workFolder, 'cache')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true })
  const signedBy = (await isAllowed(debianKeyring, constants.R_OK)) ? `[signed-by=${debianKeyring}] ` : ''
  await writeFile(sources, `deb ${signedBy}${mirror} ${suite} main\n`)
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${cache}`,
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::Languages=none',
    // An old suite's Release file is no longer renewed; its signature is checked all the same.
    'Acquire::Check-Valid-Until=false',
    // The sandbox user may not read a private folder, which costs warnings when this runs as root.
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting])

  progress(`Fetching ${title} from Debian ${suite} (package list) …`)
  await run('apt-get', ['-qq', '--error-on=any', ...settings, 'update'])
  progress(`Fetching ${title} from Debian ${suite} (package) …`)
  await run('apt-get', ['-qq', ...settings, 'download', program.package], { cwd: workFolder })
  const archive = (await readdir(workFolder)).find((name) => name.endsWith('.deb'))
  if (!archive) throw new Error('apt-get download left no package file')
  await run('dpkg-deb', ['-x', join(workFolder, archive), join(workFolder, 'unpacked')])

  const binary = join(workFolder, 'unpacked', 'usr', 'bin', command)
  await chmod(binary, 0o755)
  const { stdout } = await run(binary, program.versionArgs)
  const cached = join(cacheFolder(program), command)
  await rename(binary, cached)
  progress(`${stdout.split('\n')[0]} is at ${cached}`)
  return cached
}

async function isExecutable(path: string): Promise<boolean> {
  // Folders carry the execute bit as well.
  return (await isAllowed(path, constants.X_OK)) && (await stat(path)).isFile()
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode)
    return true
  } catch {
    return false
  }
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A failed program's own words when it has any: `Command failed: …` alone says nothing. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
  return stderr || error.message
}
