import { describe, expect, it } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { startWithSockets } from '../support/gateway-process.ts'
import { handoverStage } from '../support/handover-stage.ts'
import { RawClient } from '../support/raw-client.ts'
import { RawTraffic } from '../support/raw-traffic.ts'

async function stage(workers: number) {
  const [port = 0, admin = 0, unwanted = 0] = await freePorts(3)
  const { succession, config } = await handoverStage(
    {
      workers,
      listeners: [{ name: 'edge', address: `127.0.0.1:${port}` }],
      // Its socket is told by its name, whatever it listens on.
      admin: { address: '127.0.0.1:9900' },
    },
    { start: (file) => startWithSockets(file, [port, admin, unwanted], ['gateway.socket', 'admin', 'other']) },
  )
  const adminUrl = `http://127.0.0.1:${admin}`
  return { succession, config, port, admin, unwanted, adminUrl }
}

describe.each([0, 2])('a gateway of %i threads that systemd started with sockets', (workers) => {
  it('serves on them, and says which nobody wants', async () => {
    const { succession, port, admin, unwanted } = await stage(workers)
    const { listeners, admin: adminAddress } = succession.current
    expect([listeners[0]?.port, adminAddress.port]).toEqual([port, admin])
    expect(succession.lines('no listener wants this socket; it is closed')).toMatchObject([
      { name: 'other', address: `127.0.0.1:${unwanted}` },
    ])
    const traffic = new RawTraffic(port, 3, { keepAlive: false })
    await traffic.more(100)
    expect((await traffic.stop()).failed).toEqual([])
  })

  it('says that nobody accepts from a socket whose listener a reload removes, and serves on it again when the listener is back', async () => {
    const { succession, config, port, adminUrl } = await stage(workers)
    const reloadTo = async (listeners: typeof config.listeners) => {
      await succession.file.write(JSON.stringify({ ...config, listeners }))
      expect((await fetch(`${adminUrl}/api/v1/reload`, { method: 'POST' })).status).toBe(200)
    }
    await reloadTo([{ name: 'other', address: '127.0.0.1:0' }])
    await succession.nth('nobody accepts from this lent socket any more', 1)
    // Once: copies for a second time are made while the first are used.
    await reloadTo(config.listeners)
    const traffic = new RawTraffic(port, 2, { keepAlive: false })
    await traffic.more(20)
    expect((await traffic.stop()).failed).toEqual([])
    expect(succession.lines('nobody accepts from this lent socket any more')[0]).toMatchObject({
      name: 'edge',
      address: `127.0.0.1:${port}`,
    })
  })

  it('is replaced by new processes, which share the sockets on', async () => {
    const { succession, port } = await stage(workers)
    const traffic = new RawTraffic(port, 3, { keepAlive: false })
    for (const turn of [1, 2]) {
      await traffic.more(50)
      await succession.handOver()
      await succession.nth('stopped', turn)
    }
    await traffic.more(50)
    expect((await traffic.stop()).failed).toEqual([])
  })
})

it('a thread that takes the place of another listens on the lent socket, too', async () => {
  const { succession, port, adminUrl } = await stage(2)
  const traffic = new RawTraffic(port, 3, { keepAlive: false })
  // More often than there are copies in store.
  for (let turn = 1; turn <= 8; turn++) {
    const { workers } = (await (await fetch(`${adminUrl}/api/v1/workers`)).json()) as {
      workers: { column: number }[]
    }
    await fetch(`${adminUrl}/api/v1/workers/${workers[0]?.column}/drain`, { method: 'POST' })
    await succession.nth('data thread replaced', turn)
    await traffic.more(20)
  }
  expect((await traffic.stop()).failed).toEqual([])
  expect(succession.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  const client = await RawClient.connect(port)
  expect((await client.send('GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n').response()).status).toBe(200)
  client.destroy()
})
