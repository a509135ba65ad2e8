import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createConfigFile, startGatewayProcess } from '../support/gateway-process.ts'
import { isRunning } from '../support/handover.ts'
import { handoverStage } from '../support/handover-stage.ts'
import { RawTraffic } from '../support/raw-traffic.ts'

it('a gateway that can not write its pid file does not start', async () => {
  const files = await createConfigFile(
    JSON.stringify({
      listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
      admin: { address: '127.0.0.1:0' },
      workers: 1,
      stateDir: null,
      discovery: { fixed: { type: 'static', services: { only: ['127.0.0.1:9'] } } },
      routes: [{ path: '/', service: 'only' }],
    }),
  )
  onTestFinished(async () => files.remove())
  const gateway = startGatewayProcess(files.path, '--pid-file', join(dirname(files.path), 'nowhere', 'x.pid'))
  onTestFinished(async () => gateway.kill())
  const { code, stderr } = await gateway.ended()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^tidegate: the pid file can't be written: ENOENT/)
  expect(gateway.log.lines).toEqual([])
})

it('a successor that can not write the pid file says so, serves, drains, and is replaced itself', async () => {
  const files = await createConfigFile('')
  onTestFinished(async () => files.remove())
  const directory = join(dirname(files.path), 'run')
  await mkdir(directory)
  const pidFile = join(directory, 'x.pid')
  const { succession } = await handoverStage({}, { start: (file) => startGatewayProcess(file, '--pid-file', pidFile) })
  const traffic = new RawTraffic(succession.port(), 2, { keepAlive: false })
  await rm(directory, { recursive: true })
  await succession.handOver()
  await succession.nth('no pid file', 1)
  await succession.nth('stopped', 1)
  await traffic.more(50)
  await mkdir(directory)
  await succession.handOver()
  await succession.nth('stopped', 2)
  expect((await traffic.stop()).failed).toEqual([])
  const { pid } = succession.current
  expect(await readFile(pidFile, 'utf8')).toBe(`${pid}\n`)
  process.kill(pid, 'SIGTERM')
  await succession.nth('stopped', 3)
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve))
})
