import { getEventListeners } from 'node:events'
import { duplexPair } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AnswerOptions, TimeIsUp } from '../../../../src/discovery/consul/multiplexed/connection.ts'
import { LineConnection } from '../../../../src/discovery/consul/multiplexed/line-connection.ts'

class Lost extends Error {
  readonly failure: unknown

  constructor(failure: unknown) {
    super('lost')
    this.failure = failure
  }
}

/** A connection whose other side the test plays. */
function connect() {
  const [near, far] = duplexPair()
  const heard: unknown[] = []
  far.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trimEnd().split('\n')) heard.push(JSON.parse(line))
  })
  const connection = new LineConnection(near, { closed: false, unref: () => {}, destroy: () => {} }, 10)
  onTestFinished(() => connection.destroy())
  const answer = (id: number, body = '[]') =>
    far.write(`${JSON.stringify({ id, status: 200, headers: {}, bytes: body.length })}\n${body}`)
  return { connection, far, heard, answer }
}

function query(said: Partial<AnswerOptions<string>> = {}) {
  const ends: string[] = []
  const stop = new AbortController()
  const options: AnswerOptions<string> = {
    timeoutMs: 60_000,
    holds: false,
    signal: stop.signal,
    onEnd: () => ends.push('end'),
    take: ({ body }) => body.toString(),
    errorOf: (failure) => new Lost(failure),
    ...said,
  }
  return { options, stop, ends }
}

async function closed(connection: LineConnection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  connection.onChange = resolve
  connection.destroy()
  await promise
}

describe('a query as a line', () => {
  it('ends once when it is answered, whatever becomes of its connection', async () => {
    const { connection, answer, heard } = connect()
    const { options, stop, ends } = query()
    const asked = connection.ask('/x', options)
    await expect.poll(() => heard).toEqual([{ id: 1, path: '/v1/x' }])
    answer(1, '["said"]')
    expect(await asked).toBe('["said"]')
    await closed(connection)
    stop.abort()
    expect(ends).toEqual(['end'])
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('ends once when it is not wanted any more, and the agent hears of it', async () => {
    const { connection, answer, heard } = connect()
    const { options, stop, ends } = query()
    const asked = connection.ask('/x', options)
    stop.abort('enough')
    await expect(asked).rejects.toMatchObject({ failure: 'enough' })
    answer(1)
    const other = connection.ask('/y', query().options)
    answer(2)
    await other
    await expect.poll(() => heard).toEqual([{ id: 1, path: '/v1/x' }, { id: 1 }, { id: 2, path: '/v1/y' }])
    await closed(connection)
    expect(ends).toEqual(['end'])
  })

  it('that nobody wanted from the beginning ends at once', async () => {
    const { options, ends } = query({ signal: AbortSignal.abort('never') })
    await expect(connect().connection.ask('/x', options)).rejects.toMatchObject({ failure: 'never' })
    expect(ends).toEqual(['end'])
  })

  it('ends when its time is up', async () => {
    const { options, ends } = query({ timeoutMs: 1 })
    await expect(connect().connection.ask('/x', options)).rejects.toMatchObject({ failure: expect.any(TimeIsUp) })
    expect(ends).toEqual(['end'])
  })

  it('ends with its connection', async () => {
    const { connection, far } = connect()
    const [one, two] = [query(), query()]
    const asked = [connection.ask('/x', one.options), connection.ask('/y', two.options)]
    far.end()
    for (const each of asked) {
      await expect(each).rejects.toMatchObject({
        failure: { message: expect.stringContaining('broke before the end') },
      })
    }
    expect([one.ends, two.ends]).toEqual([['end'], ['end']])
  })

  it('can not be sent over a connection that has ended', () => {
    const { connection } = connect()
    connection.destroy(new Error('it gives no sign of life'))
    const { options, ends } = query()
    expect(() => connection.ask('/x', options)).toThrow('it gives no sign of life')
    expect(ends).toEqual([])
  })

  it('rejects with what takes its answer throws', async () => {
    const { connection, answer } = connect()
    const { options, ends } = query({
      take: () => {
        throw new RangeError('not taken')
      },
    })
    const asked = connection.ask('/x', options)
    answer(1)
    await expect(asked).rejects.toThrow('not taken')
    expect(ends).toEqual(['end'])
  })

  it('may ask the next one, or end the connection, as it takes its answer', async () => {
    const { connection, answer } = connect()
    const { options } = query({
      take: () => {
        const next = connection.ask('/y', query().options)
        connection.destroy()
        next.catch(() => {})
        return 'taken'
      },
    })
    const asked = connection.ask('/x', options)
    answer(1)
    expect(await asked).toBe('taken')
  })
})

describe('a connection for lines', () => {
  it('takes what it went over with it when it breaks alone, as a stream of HTTP/2 may', async () => {
    const [near] = duplexPair()
    const { promise: destroyed, resolve: destroy } = Promise.withResolvers<void>()
    const connection = new LineConnection(near, { closed: false, unref: () => {}, destroy }, 10)
    const asked = connection.ask('/x', query().options)
    near.destroy(new Error('reset'))
    await expect(asked).rejects.toMatchObject({ failure: { message: 'reset' } })
    await destroyed
  })

  it('takes no new query over what is about to end', () => {
    const [near] = duplexPair()
    const carrier = { closed: false, unref: () => {}, destroy: () => {} }
    const connection = new LineConnection(near, carrier, 10)
    expect(connection.takesQueries).toBe(true)
    carrier.closed = true
    expect([connection.isOpen, connection.takesQueries]).toEqual([true, false])
  })
})
