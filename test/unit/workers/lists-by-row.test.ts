import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Publisher } from '../../../src/control/publish.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { ControlMessage } from '../../../src/core/message.ts'
import type { PublishedEndpoint } from '../../../src/core/snapshot.ts'
import { ServiceTable } from '../../../src/workers/service-table.ts'
import { publishedEndpoint, seriesToNowhere } from '../../support/endpoints.ts'
import { serviceSettings } from '../../support/service.ts'

const names = ['users', 'orders']
const rowsEach = 4

/** The same object whenever the same is said, however long that is ago. */
function said(row: number, id: string, draining: boolean): PublishedEndpoint {
  const key = `${row} ${id} ${draining}`
  const known = endpoints.get(key) ?? publishedEndpoint(row, { id, draining })
  endpoints.set(key, known)
  return known
}

const endpoints = new Map<string, PublishedEndpoint>()

/** A data thread that takes its messages, and has them acknowledged, when it is told to. */
class Thread {
  readonly table: ServiceTable
  readonly #publisher: Publisher
  readonly #id: number
  readonly #messages: ControlMessage[] = []
  readonly #taken: { readonly service: string; readonly version: number }[] = []

  constructor(publisher: Publisher, ledger: Ledger, id: number) {
    this.#publisher = publisher
    this.#id = id
    this.table = new ServiceTable({
      ledger,
      column: 0,
      series: seriesToNowhere(),
      outlier: { succeeded: () => {}, failed: () => {} },
      balancing: { random: () => 0.5, clock: { now: () => 0 } },
    })
    publisher.addThread(id, (message) => this.#messages.push(structuredClone({ ...message, ledger: null })))
  }

  leave(): void {
    this.#publisher.removeThread(this.#id)
  }

  take(): boolean {
    const message = this.#messages.shift()
    if (message?.type === 'config') this.table.configure(message.snapshot.services, message.forgotten)
    if (message?.type === 'service') {
      this.table.publish(message.published)
      this.#taken.push(message.published)
    }
    return message !== undefined
  }

  acknowledge(): boolean {
    const taken = this.#taken.shift()
    if (taken !== undefined) this.#publisher.acknowledged(this.#id, taken.service, taken.version)
    return taken !== undefined
  }
}

const service = fc.integer({ min: 0, max: names.length - 1 })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('list'), service, row: fc.nat(rowsEach - 1), as: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unlist'), service, row: fc.nat(rowsEach - 1) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take'), thread: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('acknowledge'), thread: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('configure'), named: fc.subarray(names) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace'), thread: fc.nat(1) }) },
)

it('a thread ends with the last list of each service, whatever is listed, forgotten, late or replaced on the way', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const ledger = Ledger.create(2, 0)
      ledger.reserve(names.length * rowsEach, names.length)
      const publisher = new Publisher(ledger)
      let [version, ids] = [0, 0]
      const listed = names.map(() => new Map<number, PublishedEndpoint>())
      const configure = (named: readonly string[]) => {
        const services = named.map((name) => serviceSettings(name, names.indexOf(name)))
        for (const [index, name] of names.entries()) if (!named.includes(name)) listed[index]?.clear()
        publisher.configure({ version: ++version, listeners: [], services, routes: [], accessLog: false })
      }
      configure(names)
      const threads = [new Thread(publisher, ledger, ids++), new Thread(publisher, ledger, ids++)]
      const publish = (index: number) => publisher.publish(names[index] ?? '', [...(listed[index]?.values() ?? [])])
      for (const each of steps) {
        if ('row' in each) {
          const row = each.service * rowsEach + each.row
          // In a row there may be another endpoint, or the same one with something else said of it.
          const [id, draining] = 'as' in each ? [`of row ${row}, ${each.as >> 1}`, each.as % 2 === 1] : ['', false]
          if ('as' in each) listed[each.service]?.set(row, said(row, id, draining))
          else listed[each.service]?.delete(row)
          publish(each.service)
        } else if ('named' in each) configure(each.named)
        else if (each.do === 'take') threads[each.thread]?.take()
        else if (each.do === 'acknowledge') threads[each.thread]?.acknowledge()
        else {
          threads[each.thread]?.leave()
          threads[each.thread] = new Thread(publisher, ledger, ids++)
        }
      }
      configure(names)
      for (const index of names.keys()) publish(index)
      for (const thread of threads) while (thread.take() || thread.acknowledge());
      const had = threads.map(({ table }) =>
        names.map((name) => table.get(name)?.all.map(({ published }) => published)),
      )
      const last = listed.map((rows) => [...rows.values()])
      expect(had).toEqual([last, last])
    }),
  )
})
