import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as client from '../src/client.ts'
import * as grpc from '../src/grpc.ts'
import * as index from '../src/index.ts'
import * as register from '../src/register.ts'
import { readDockerfile } from './support/dockerfile.ts'

const execute = promisify(execFile)
const root = new URL('..', import.meta.url).pathname
const tsc = join(root, 'node_modules/.bin/tsc')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

/** Rejects with what the program said. */
async function run(command: string, args: readonly string[], { cwd }: { cwd?: string } = {}): Promise<string> {
  try {
    return (await execute(command, args, { cwd })).stdout
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: string }
    throw new Error(`${message}${stdout}`, { cause: error })
  }
}

let directory: string
/** A project of somebody else that has the package installed, with what the package says it needs and nothing more. */
let project: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidegate-package-'))
  const checkout = join(directory, 'checkout')
  project = join(directory, 'project')
  const { copied } = readDockerfile('Dockerfile')
  for (const path of [...copied, 'config', 'README.md', 'LICENSE']) {
    cpSync(join(root, path), join(checkout, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
  await run(tsc, ['-p', 'tsconfig.build.json'], { cwd: checkout })
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], { cwd: checkout })

  const installed = join(project, 'node_modules/tidegate')
  mkdirSync(installed, { recursive: true })
  await run('tar', ['xzf', join(directory, 'tidegate-0.1.0.tgz'), '-C', installed, '--strip-components=1'])
  link(project, ...dependenciesOf(installed))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
})

afterAll(async () => rm(directory, { recursive: true, force: true }))

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function dependenciesOf(folder: string): string[] {
  return Object.keys(manifestOf(folder).dependencies)
}

function link(folder: string, ...packages: readonly string[]): void {
  for (const name of packages) {
    const path = join(folder, 'node_modules', name)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), path)
  }
}

async function namesOf(specifier: string): Promise<string[]> {
  const code = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(specifier)}))))`
  const stdout = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: project })
  return JSON.parse(stdout) as string[]
}

describe('the package, built from what the Dockerfile copies, packed and installed elsewhere', () => {
  it('has an entry point for each that is tested here', () => {
    const entries = Object.keys(manifestOf(root).exports).toSorted()
    expect(entries).toEqual(['.', './client', './grpc', './package.json', './register'])
  })

  it.each([
    ['tidegate', index],
    ['tidegate/register', register],
    ['tidegate/client', client],
  ])('%s exports what its source does, with nothing but its dependencies', async (specifier, source) => {
    expect(await namesOf(specifier)).toEqual(Object.keys(source).toSorted())
  })

  it('tidegate/grpc says what it lacks, and exports what its source does once grpc-js is there', async () => {
    await expect(namesOf('tidegate/grpc')).rejects.toThrow("Cannot find package '@grpc/grpc-js'")
    link(project, '@grpc/grpc-js')
    expect(await namesOf('tidegate/grpc')).toEqual(Object.keys(grpc).toSorted())
  })

  it('keeps its inner files to itself', async () => {
    await expect(namesOf('tidegate/dist/cli.js')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('has types that stand without those of this checkout', async () => {
    link(project, '@types/node')
    const compilerOptions = { target: 'es2024', module: 'nodenext', types: ['node'], strict: true, noEmit: true }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['uses.ts'] }))
    writeFileSync(
      join(project, 'uses.ts'),
      `import { type ConfigInput, defineConfig, type RunningGateway, startGateway } from 'tidegate'
       import { type Client, connect } from 'tidegate/client'
       import { registerResolvers } from 'tidegate/grpc'
       import { health, type Joined, register } from 'tidegate/register'
       export const config: ConfigInput = defineConfig({ routes: [{ path: '/', service: 'a' }] })
       export const gateway: Promise<RunningGateway> = startGateway({ config: './tidegate.yaml' })
       export const joined: Promise<Joined> = register({ name: 'a', port: 1, health: health(), check: { ttl: '15s' } })
       export const client: Client = connect('a')
       export const answer: Promise<number> = client.fetch('/').then(({ status }) => status)
       registerResolvers()
       // @ts-expect-error A misspelt option.
       void register({ nmae: 'a', port: 1 })
       // @ts-expect-error A misspelt balancer.
       defineConfig({ routes: [{ path: '/', service: 'a' }], services: { a: { balancer: 'least-requests' } } })
      `,
    )
    await expect(run(tsc, ['-p', '.'], { cwd: project })).resolves.toBe('')
  })

  it('serves, threads and all', async () => {
    const cli = join(project, 'node_modules/tidegate/dist/cli.js')
    const { nodeFlags } = readDockerfile('Dockerfile')
    const stdout = await run(process.execPath, [...nodeFlags, cli, 'demo', '--once'], { cwd: project })
    expect(stdout).toContain('GET /api/users/1 → 200')
  })
})

describe('the Dockerfile', () => {
  it('copies only what is there and what .dockerignore lets through', () => {
    expect(readDockerfile('Dockerfile')).toMatchObject({ missing: [] })
  })

  it('is built on images of a fixed major version', () => {
    const { images } = readDockerfile('Dockerfile')
    expect(images).toEqual(['node:24-slim', 'node:24-slim'])
  })
})
