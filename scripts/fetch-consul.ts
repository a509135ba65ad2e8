/**
 * Finds a Consul binary for the tests, or fetches one: `node scripts/fetch-consul.ts` prints its path.
 * Order: the environment's CONSUL_BIN, `consul` on PATH, the cache, Debian's bullseye suite (Consul 1.8.7, one static program).
 */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const suite = 'bullseye'
const cacheFolder = join(import.meta.dirname, '..', '.cache', 'consul')
const cachedBinary = join(cacheFolder, 'consul')
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const wayOut = 'Install Consul 1.8 or later so that `consul` is on PATH, or set CONSUL_BIN to its path, and run again.'

/**
 * The path of a Consul binary. Fetching takes seconds and about 25 MB from the machine's own Debian mirror; it happens once per checkout.
 * Rejects with the reason and what to install where Consul can't be had. Two callers at once don't disturb each other.
 */
export async function findOrFetchConsul(): Promise<string> {
  const chosen = process.env.CONSUL_BIN
  if (chosen) {
    if (await isExecutable(chosen)) return chosen
    throw new Error(`CONSUL_BIN names ${chosen}, which is not an executable file. ${wayOut}`)
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, 'consul')
    if (folder && (await isExecutable(candidate))) return candidate
  }
  if (await isExecutable(cachedBinary)) return cachedBinary
  try {
    return await fetchFromDebian()
  } catch (error) {
    throw new Error(`Consul could not be fetched: ${describe(error)}\n${wayOut}`, { cause: error })
  }
}

async function fetchFromDebian(): Promise<string> {
  const mirrors = await aptMirrors()
  await mkdir(cacheFolder, { recursive: true })
  // Beside its final place, so that the rename below stays within one file system and is atomic.
  const workFolder = await mkdtemp(join(cacheFolder, 'fetch-'))
  try {
    const failures: string[] = []
    for (const mirror of mirrors) {
      try {
        return await fetchFromMirror(mirror, workFolder)
      } catch (error) {
        failures.push(`${mirror}: ${describe(error)}`)
      }
    }
    throw new Error(`no configured apt mirror serves ${suite}:\n${failures.join('\n')}`)
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

async function fetchFromMirror(mirror: string, workFolder: string): Promise<string> {
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

  progress(`Fetching Consul from Debian ${suite} (package list) …`)
  await run('apt-get', ['-qq', '--error-on=any', ...settings, 'update'])
  progress(`Fetching Consul from Debian ${suite} (package) …`)
  await run('apt-get', ['-qq', ...settings, 'download', 'consul'], { cwd: workFolder })
  const archive = (await readdir(workFolder)).find((name) => name.endsWith('.deb'))
  if (!archive) throw new Error('apt-get download left no package file')
  await run('dpkg-deb', ['-x', join(workFolder, archive), join(workFolder, 'unpacked')])

  const binary = join(workFolder, 'unpacked', 'usr', 'bin', 'consul')
  await chmod(binary, 0o755)
  const { stdout } = await run(binary, ['version'])
  await rename(binary, cachedBinary)
  progress(`${stdout.split('\n')[0]} is at ${cachedBinary}`)
  return cachedBinary
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

if (import.meta.main) {
  try {
    process.stdout.write(`${await findOrFetchConsul()}\n`)
  } catch (error) {
    progress(describe(error))
    process.exitCode = 1
  }
}
