import { describe, expect, it } from 'vitest'
import { AnswerBox } from '../../../src/discovery/answer-box.ts'
import type { Answer } from '../../../src/discovery/contract.ts'

const answer = (position: number, mayHaveForgotten = false): Answer => ({ instances: [], position, mayHaveForgotten })
const done = { done: true, value: undefined }

describe('the answer box', () => {
  it('hands an answer to who already waits for it', async () => {
    const box = new AnswerBox()
    const next = box.answers().next()
    box.put(answer(1))
    expect(await next).toMatchObject({ value: { position: 1 } })
  })

  it('keeps the latest answer for a slow consumer, and that something may be forgotten', async () => {
    const box = new AnswerBox()
    const answers = box.answers()
    box.put(answer(1))
    box.put(answer(2, true))
    box.put(answer(3))
    expect(await answers.next()).toMatchObject({ value: { position: 3, mayHaveForgotten: true } })
    box.put(answer(4))
    expect(await answers.next()).toMatchObject({ value: { position: 4, mayHaveForgotten: false } })
  })

  it('hands out the last answer before a failure or the end', async () => {
    const failing = new AnswerBox()
    failing.put(answer(1))
    failing.fail(new Error('gone'))
    const failed = failing.answers()
    expect(await failed.next()).toMatchObject({ value: { position: 1 } })
    await expect(failed.next()).rejects.toThrow('gone')

    const ending = new AnswerBox()
    ending.put(answer(1))
    ending.end()
    const ended = ending.answers()
    expect(await ended.next()).toMatchObject({ value: { position: 1 } })
    expect(await ended.next()).toEqual(done)
  })

  it('ends at once when it is cancelled, answers or not', async () => {
    const box = new AnswerBox()
    const waiting = box.answers().next()
    box.cancel()
    expect(await waiting).toEqual(done)

    const full = new AnswerBox()
    full.put(answer(1))
    full.cancel()
    expect(await full.answers().next()).toEqual(done)
  })

  it('takes nothing more once it is over', async () => {
    const box = new AnswerBox()
    box.end()
    box.put(answer(1))
    box.fail(new Error('late'))
    expect([box.isOpen, box.hasFailed]).toEqual([false, false])
    expect(await box.answers().next()).toEqual(done)
  })

  it('is over once: when its signal aborts, the consumer leaves, or has had the end or the error', async () => {
    const overs: string[] = []
    const abort = new AbortController()
    const aborted = new AnswerBox()
    const waiting = aborted.answers(abort.signal, { over: () => overs.push('aborted') }).next()
    abort.abort()
    expect([overs, await waiting, await aborted.return()]).toEqual([['aborted'], done, done])

    const left = new AnswerBox()
    left.put(answer(1))
    for await (const _ of left.answers(undefined, { over: () => overs.push('left') })) break
    const failed = new AnswerBox()
    const failing = failed.answers(undefined, { over: () => overs.push('failed') })
    failed.fail(new Error('gone'))
    await expect(failing.next()).rejects.toThrow('gone')
    expect([await failing.next(), overs, left.isOpen]).toEqual([done, ['aborted', 'left', 'failed'], false])

    const calls: string[] = []
    const life = { begin: () => calls.push('begun'), over: () => calls.push('over') }
    expect(await new AnswerBox().answers(abort.signal, life).next()).toEqual(done)
    await new AnswerBox().answers(undefined, life).return?.()
    expect(calls).toEqual([])
    const begun = new AnswerBox()
    const answers = begun.answers(undefined, life)
    begun.put(answer(1))
    expect([calls.length, await answers.next(), await answers.return?.(), calls]).toMatchObject([
      0,
      { value: { position: 1 } },
      done,
      ['begun', 'over'],
    ])
  })

  it('ends for a consumer that waits, and asks again, when its signal aborts', async () => {
    const abort = new AbortController()
    const answers = new AnswerBox().answers(abort.signal)
    const waiting = answers.next()
    abort.abort()
    expect([await answers.next(), await waiting]).toEqual([done, done])
  })

  it('hands nothing of a failure to a consumer whose signal has aborted', async () => {
    const abort = new AbortController()
    const box = new AnswerBox()
    const answers = box.answers(abort.signal)
    box.fail(new Error('gone'))
    abort.abort()
    expect(await answers.next()).toEqual(done)
  })

  it('has one consumer, who waits for one answer at a time', async () => {
    const box = new AnswerBox()
    const first = box.next()
    await expect(box.next()).rejects.toThrow('has not come yet')
    box.put(answer(1))
    expect(await first).toMatchObject({ value: { position: 1 } })
  })
})
