import { describe, expect, it } from 'vitest'
import { queryOf, watchQuery } from '../../../src/control/query.ts'
import type { Subset } from '../../../src/core/subset.ts'
import type { Answer, Discovery } from '../../../src/discovery/contract.ts'
import { answer, instance } from './scripted-watch.ts'

const everything: Subset = { tags: [], version: null, filter: null }
const listed = answer(
  [
    instance('a-1', { tags: ['blue', 'eu'], version: '1' }),
    instance('b-2', { tags: ['blue'], version: '2' }),
    instance('c-3', { version: '2' }),
  ],
  { position: 7, mayHaveForgotten: true },
)

async function ask(subset: Subset | null): Promise<{ readonly asked: unknown[]; readonly heard: Answer | undefined }> {
  const asked: unknown[] = []
  const discovery: Discovery = {
    async *watch(name, _signal, filter) {
      asked.push(name, filter)
      yield listed
    },
    close: () => Promise.resolve(),
  }
  const answers = watchQuery(discovery, { name: 'web', subset, zone: null }, new AbortController().signal)
  const heard = (await answers[Symbol.asyncIterator]().next()).value as Answer | undefined
  return { asked, heard }
}

const chosen = async (subset: Subset | null) => (await ask(subset)).heard?.instances.map(({ id }) => id)

describe('a subset', () => {
  it('takes the instances that have all its tags', async () => {
    expect(await chosen({ ...everything, tags: ['blue'] })).toEqual(['a-1', 'b-2'])
    expect(await chosen({ ...everything, tags: ['eu', 'blue'] })).toEqual(['a-1'])
  })

  it('takes the instances of its version', async () => {
    expect(await chosen({ ...everything, version: '2' })).toEqual(['b-2', 'c-3'])
    expect(await chosen({ tags: ['blue'], version: '2', filter: null })).toEqual(['b-2'])
  })

  it('hands its filter to the registry', async () => {
    expect((await ask({ ...everything, filter: 'Service.ID == "x"' })).asked).toEqual(['web', 'Service.ID == "x"'])
    expect((await ask(null)).asked).toEqual(['web', undefined])
  })

  it('leaves the doubts of an answer and its position as they are', async () => {
    expect((await ask({ ...everything, tags: ['eu'] })).heard).toMatchObject({ position: 7, mayHaveForgotten: true })
  })

  it('makes another question of the same name', () => {
    const blue = { ...everything, tags: ['blue'] }
    const web = queryOf({ name: 'web', subset: blue })
    expect(web).toBe(queryOf({ name: 'web', subset: { ...blue } }))
    expect(web).not.toBe(queryOf({ name: 'web', subset: null }))
    expect(web).not.toBe(queryOf({ name: 'web', subset: { ...blue, version: '1' } }))
    expect(web).not.toBe(queryOf({ name: 'beta', subset: blue }))
  })
})
