import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import type { ConnectMiddleware } from '../../../../src/core/middleware.ts'
import { runMiddlewares } from '../../../../src/proxy/standard/middlewares.ts'

/** What became of a request: the order of calls, and what the end of the chain was told. */
function pass(middlewares: readonly ConnectMiddleware[], writableEnded = false): unknown[] {
  const ends: unknown[] = []
  runMiddlewares(middlewares, {} as IncomingMessage, { writableEnded } as ServerResponse, (error) => ends.push(error))
  return ends
}

const twice: ConnectMiddleware = (_request, _response, next) => {
  next()
  next(new Error('too late'))
}

test('runs middlewares in order, then lets the request pass', () => {
  const calls: number[] = []
  const middleware =
    (n: number): ConnectMiddleware =>
    (_request, _response, next) => {
      calls.push(n)
      next()
    }
  expect(pass([middleware(1), middleware(2)])).toEqual([null])
  expect(calls).toEqual([1, 2])
})

test('stops at a middleware that does not call next', () => {
  expect(pass([() => {}, (_request, _response, next) => next()])).toEqual([])
})

test('ends with what a middleware throws or gives to next', () => {
  const error = new Error('broken')
  expect(pass([(_request, _response, next) => next(error)])).toEqual([error])
  expect(
    pass([
      () => {
        throw error
      },
    ]),
  ).toEqual([error])
})

test('takes no second call of next, nor one behind an answer', () => {
  expect(pass([twice])).toEqual([null])
  expect(pass([twice], true)).toEqual([])
})
