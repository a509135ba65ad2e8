import type { Answer as DnsAnswer, StringAnswer } from 'dns-packet'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SkippedEntry } from '../../../../src/discovery/contract.ts'
import type { Ask } from '../../../../src/discovery/mdns/ask.ts'
import { mdnsLimits, type MdnsLimits } from '../../../../src/discovery/mdns/options.ts'
import { ServiceBrowser } from '../../../../src/discovery/mdns/service-browser.ts'
import { serviceName, type ServiceName } from '../../../../src/discovery/mdns/service-name.ts'
import { goMicroText } from '../../../support/mdns-announcer.ts'
import { own, recorded, responseOf, responseWith } from '../../../support/mdns-packets.ts'

const greeter = 'go.micro.srv.greeter'

/** A browser whose network is the test. */
function browse(service: string, domain: string, limits: Partial<MdnsLimits> = {}) {
  const asked: string[] = []
  const known: string[][] = []
  const skipped: SkippedEntry[] = []
  const ask = (asks: readonly Ask[]) => {
    for (const { question, known: answers } of asks) {
      asked.push(`${question.type} ${question.name}`)
      if (question.type === 'PTR') known.push(answers.map(({ data }) => data))
    }
  }
  const browser = new ServiceBrowser(service, serviceName(service, domain) as ServiceName, {
    limits: { ...mdnsLimits, ...limits },
    random: () => 0,
    isOnLink: (address) => address.startsWith('192.0.2.'),
    ask,
    onSkipped: (entry) => skipped.push(entry),
  })
  const box = browser.join()
  const answers: string[][] = []
  const take = async () => {
    for await (const { instances } of box.answers()) {
      answers.push(instances.map(({ id, host, port }) => `${id} ${host}:${port}`))
    }
  }
  void take()
  onTestFinished(() => browser.close())
  return { browser, asked, known, skipped, answers }
}

const name = (id: string) => `${id}._http._tcp.local`
const pointer = (id: string, ttl = 4500): StringAnswer => ({
  type: 'PTR',
  name: '_http._tcp.local',
  ttl,
  data: name(id),
})
const location = (id: string, port: number, ttl = 120): DnsAnswer => ({
  type: 'SRV',
  name: name(id),
  ttl,
  flush: true,
  data: { port, target: 'box.local', weight: 0, priority: 0 },
})
const text = (id: string, ...pairs: string[]): DnsAnswer => ({
  type: 'TXT',
  name: name(id),
  ttl: 4500,
  flush: true,
  data: pairs.map((pair) => Buffer.from(pair)),
})
const address = (data: string, ttl = 120, flush = true): DnsAnswer => ({
  type: 'A',
  name: 'box.local',
  ttl,
  flush,
  data,
})
const whole = (id: string, port = 80) => [pointer(id), location(id, port), text(id), address('192.0.2.7')]

/** As go-micro answers. */
const wholeOfMicro = (id: string, texts: readonly string[], port = 80): DnsAnswer[] => [
  { type: 'PTR', name: 'web.micro', ttl: 120, data: `${id}.web.micro` },
  { type: 'SRV', name: `${id}.web.micro`, ttl: 120, data: { port, target: 'box', weight: 1, priority: 10 } },
  { type: 'TXT', name: `${id}.web.micro`, ttl: 120, data: texts.map((each) => Buffer.from(each)) },
  { type: 'A', name: 'box', ttl: 120, data: '192.0.2.7' },
]

describe('a browsed service', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('is asked for at once, then after gaps that double up to a minute', async () => {
    const { asked } = browse('_http._tcp', 'local')
    const atSeconds: number[] = []
    // A timer is of whole milliseconds, and may come one after the time that it was made for.
    await vi.advanceTimersByTimeAsync(10)
    for (let second = 0; second <= 200; second++) {
      if (asked.length > atSeconds.length) atSeconds.push(second)
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(atSeconds).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183])
    expect(new Set(asked)).toEqual(new Set(['PTR _http._tcp.local']))
  })

  it('is said to be empty only when two queries brought nothing', async () => {
    const { answers } = browse('_http._tcp', 'local')
    await vi.advanceTimersByTimeAsync(1150)
    expect(answers).toEqual([])
    await vi.advanceTimersByTimeAsync(100)
    expect(answers).toEqual([[]])
  })

  it('is answered once all who are asked had their time, when somebody is there', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    browser.hear(responseWith(whole('one')))
    browser.hear(responseWith(whole('two')))
    await vi.advanceTimersByTimeAsync(190)
    expect(answers).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(answers).toEqual([['one 192.0.2.7:80', 'two 192.0.2.7:80']])
  })

  it('has what go-micro announces, which is no pointer, and loses it within a second of its goodbye', async () => {
    const { browser, answers, skipped } = browse(greeter, 'micro')
    for (const bytes of recorded('go-micro', 'announce')) browser.hear(responseOf(bytes))
    await vi.advanceTimersByTimeAsync(300)
    const one = `${greeter}-3f2a9c1e 127.0.0.1:8081`
    const six = `${greeter}-66666666 2001:db8::6:8086`
    expect(answers).toEqual([[one, six, `${greeter}-77b0d4aa 127.0.0.2:8082`]])
    for (const bytes of recorded('go-micro', 'answer')) browser.hear(responseOf(bytes))
    for (const bytes of recorded('go-micro', 'goodbye')) browser.hear(responseOf(bytes))
    await vi.advanceTimersByTimeAsync(880)
    expect(answers).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(60)
    expect(answers.slice(1)).toEqual([[one, six]])
    expect(skipped).toEqual([])
  })

  it('has what avahi announces, asks for the address that is not in it, and follows its goodbyes', async () => {
    const { browser, answers, asked } = browse('_gateway._sub._http._tcp', 'local')
    const [, first, ...others] = recorded('avahi', 'announce')
    browser.hear(responseOf(first!))
    await vi.advanceTimersByTimeAsync(20)
    expect(asked.slice(1)).toEqual(['A workstation.local', 'AAAA workstation.local'])
    for (const bytes of others) browser.hear(responseOf(bytes))
    await vi.advanceTimersByTimeAsync(300)
    expect(answers).toEqual([['Grüße 127.0.0.1:8081', 'Hello v1.2 (A) 127.0.0.1:8080']])
    for (const bytes of recorded('avahi', 'goodbye')) browser.hear(responseOf(bytes))
    await vi.advanceTimersByTimeAsync(1100)
    expect(answers.at(-1)).toEqual([])
  })

  it('asks for what ends at 80, 85, 90 and 95 % of its life, and forgets it at the end', async () => {
    const { browser, answers, asked } = browse('_http._tcp', 'local')
    browser.hear(responseWith([...whole('one').slice(0, 3), address('192.0.2.7', 4500)]))
    const atSeconds: number[] = []
    for (let second = 1; second < 120; second++) {
      await vi.advanceTimersByTimeAsync(1000)
      if (asked.includes(`SRV ${name('one')}`)) atSeconds.push(second)
      asked.length = 0
    }
    expect(atSeconds).toEqual([96, 102, 108, 114])
    expect(answers).toEqual([['one 192.0.2.7:80']])
    await vi.advanceTimersByTimeAsync(1100)
    expect(answers.at(-1)).toEqual([])
  })

  it('keeps what is said again before its end', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    for (let minute = 0; minute < 10; minute++) {
      browser.hear(responseWith(whole('one')))
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(answers).toEqual([['one 192.0.2.7:80']])
  })

  it('asks some time after a goodbye whether it is true, and keeps who says that it is not', async () => {
    const { browser, answers, asked, known } = browse('_http._tcp', 'local', { queryGapMs: 20_000 })
    browser.hear(responseWith(whole('one')))
    await vi.advanceTimersByTimeAsync(5000)
    asked.length = 0
    browser.hear(responseWith([pointer('one', 0)]))
    await vi.advanceTimersByTimeAsync(440)
    expect(asked).toEqual([])
    await vi.advanceTimersByTimeAsync(20)
    expect(asked).toEqual(['PTR _http._tcp.local'])
    expect(known.at(-1)).toEqual([])
    browser.hear(responseWith(whole('one')))
    await vi.advanceTimersByTimeAsync(3000)
    expect(answers).toEqual([['one 192.0.2.7:80']])
  })

  it('is not fooled by an answer from before a goodbye that is read after it', async () => {
    const { browser, answers } = browse(greeter, 'micro')
    const [announcement] = recorded('go-micro', 'announce').filter((bytes) => bytes.includes('77b0d4aa'))
    browser.hear(responseOf(announcement!))
    await vi.advanceTimersByTimeAsync(300)
    for (const bytes of recorded('go-micro', 'goodbye')) browser.hear(responseOf(bytes))
    browser.hear(responseOf(announcement!))
    await vi.advanceTimersByTimeAsync(1100)
    expect(answers).toEqual([[`${greeter}-77b0d4aa 127.0.0.2:8082`], []])
  })

  it('follows an instance that is back on another port at once', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    browser.hear(responseWith(whole('one')))
    await vi.advanceTimersByTimeAsync(500)
    browser.hear(responseWith([pointer('one', 0), location('one', 80, 0)]))
    browser.hear(responseWith(whole('one', 81)))
    await vi.advanceTimersByTimeAsync(200)
    expect(answers.at(-1)).toEqual(['one 192.0.2.7:81'])
  })

  it('tells who answers already whom it knows, while half of the life is left', async () => {
    const { browser, known } = browse('_http._tcp', 'local', { queryGapMs: 20_000 })
    browser.hear(
      responseWith([pointer('one', 120), location('one', 80, 4500), text('one'), address('192.0.2.7', 4500)]),
    )
    await vi.advanceTimersByTimeAsync(20_500)
    await vi.advanceTimersByTimeAsync(40_000)
    expect(known).toEqual([[], [name('one')], []])
  })

  it('asks the service, not the instance, where the name has dots that a question can not say', async () => {
    const { browser, asked, known } = browse('_http._tcp', 'local', { queryGapMs: 20_000 })
    browser.hear(responseWith([pointer('Hello v1.2')]))
    browser.hear(responseWith([pointer('plain')]))
    await vi.advanceTimersByTimeAsync(50)
    expect(asked.slice(1)).toEqual(['SRV plain._http._tcp.local', 'TXT plain._http._tcp.local', 'PTR _http._tcp.local'])
    expect(known.at(-1)).toEqual([name('plain')])
  })

  it('replaces the addresses of a host by those it says now', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    browser.hear(responseWith(whole('one')))
    await vi.advanceTimersByTimeAsync(500)
    browser.hear(responseWith([address('192.0.2.9')]))
    await vi.advanceTimersByTimeAsync(200)
    expect(answers).toEqual([['one 192.0.2.7:80'], ['one 192.0.2.9:80']])
  })

  it('keeps the addresses of a host on different wires apart, and prefers one that is on its own', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    browser.hear(responseWith([...whole('one').slice(0, 3), address('10.9.9.9')], { wire: 'eth1', isOwn: false }))
    browser.hear(responseWith([address('192.0.2.7')], { wire: 'eth0', isOwn: false }))
    await vi.advanceTimersByTimeAsync(300)
    expect(answers).toEqual([['one 192.0.2.7:80']])
    expect([browser.isHeardOn('eth0'), browser.isHeardOn('eth1'), browser.isHeardOn('eth2')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it.each(['127.0.0.1', '0.0.0.0', '224.0.0.1'])('does not take %s from another machine', async (bad) => {
    const { browser, answers, skipped } = browse('_http._tcp', 'local')
    const foreign = { wire: 'eth0', isOwn: false }
    browser.hear(responseWith(whole('good'), foreign))
    const target = { port: 9900, target: 'evil.local', weight: 0, priority: 0 }
    browser.hear(
      responseWith(
        [
          pointer('evil'),
          { type: 'SRV', name: name('evil'), ttl: 120, data: target },
          text('evil'),
          { type: 'A', name: 'evil.local', ttl: 120, data: bad },
        ],
        foreign,
      ),
    )
    await vi.advanceTimersByTimeAsync(300)
    expect(answers).toEqual([['good 192.0.2.7:80']])
    expect(skipped).toMatchObject([{ entry: 'evil', reason: expect.stringContaining('can be connected to') }])
  })

  it('names what can not be an instance once, and keeps its neighbours', async () => {
    const { browser, answers, skipped } = browse('web', 'micro')
    for (let time = 0; time < 3; time++) {
      browser.hear(responseWith(wholeOfMicro('good', goMicroText('web', {}))))
      browser.hear(responseWith(wholeOfMicro('garbled', ['78ff00'])))
      browser.hear(responseWith(wholeOfMicro('portless', goMicroText('web', {}), 0)))
      browser.hear(responseWith([{ type: 'PTR', name: 'web.micro', ttl: 120, data: 'x.elsewhere.micro' }]))
      browser.hear(responseWith([{ type: 'PTR', name: 'web.micro', ttl: 120, data: 'lost.web.micro' }]))
      await vi.advanceTimersByTimeAsync(2000)
    }
    expect(answers).toEqual([['good 192.0.2.7:80']])
    expect(skipped.map(({ entry }) => entry).toSorted()).toEqual(['garbled', 'lost', 'portless', 'x.elsewhere.micro'])
  })

  it('does not take for its own what belongs to a service whose name ends like its own', async () => {
    const { browser, answers } = browse('user', 'micro')
    browser.hear(
      responseWith([
        {
          type: 'SRV',
          name: 'u-1.api.user.micro',
          ttl: 120,
          data: { port: 80, target: 'box', weight: 1, priority: 10 },
        },
        {
          type: 'TXT',
          name: 'u-1.api.user.micro',
          ttl: 120,
          data: goMicroText('api.user', {}).map((each) => Buffer.from(each)),
        },
        { type: 'A', name: 'box', ttl: 120, data: '192.0.2.7' },
      ]),
    )
    await vi.advanceTimersByTimeAsync(2000)
    expect(answers).toEqual([[]])
  })

  it('remembers no more instances than it may, those it knew first, and says so', async () => {
    const { browser, answers, skipped } = browse('_http._tcp', 'local', { maxInstances: 3 })
    browser.hear(responseWith(whole('a-good-one')))
    for (let number = 0; number < 100; number++) browser.hear(responseWith(whole(`flood-${number}`)))
    await vi.advanceTimersByTimeAsync(300)
    expect(answers.map((list) => list.length)).toEqual([3])
    expect(answers[0]).toContain('a-good-one 192.0.2.7:80')
    expect(skipped.map(({ entry }) => entry)).toEqual(['further instances'])
  })

  it('believes nobody for longer than 75 minutes', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    const forever = 2 ** 32 - 1
    browser.hear(responseWith(whole('one').map((record) => ({ ...record, ttl: forever }))))
    await vi.advanceTimersByTimeAsync(74 * 60_000)
    expect(answers).toEqual([['one 192.0.2.7:80']])
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(answers.at(-1)).toEqual([])
  })

  it('answers at most ten times a second, whatever it hears', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    for (let number = 0; number < 1000; number++) {
      browser.hear(responseWith(whole('one', 1 + number)))
      await vi.advanceTimersByTimeAsync(1)
    }
    await vi.advanceTimersByTimeAsync(200)
    expect(answers.length).toBeLessThanOrEqual(10)
    expect(answers.at(-1)).toEqual(['one 192.0.2.7:1000'])
  })

  it('takes names of any case for the same, and ignores responses with an error code', async () => {
    const { browser, answers } = browse('_http._tcp', 'local')
    browser.hear(responseWith([{ ...pointer('One'), name: '_HTTP._tcp.LOCAL' }, ...whole('One').slice(1)]))
    await vi.advanceTimersByTimeAsync(300)
    expect(answers).toEqual([['One 192.0.2.7:80']])
    const bytes = Buffer.from(recorded('avahi', 'goodbye')[0]!)
    bytes[3] = 3
    expect(() => responseOf(bytes, own)).toThrow('ignored')
  })
})
