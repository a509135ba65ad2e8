import { describe, expect, test } from 'vitest'
import type { AdminInput } from '../../../src/admin/admin-input.ts'
import { runAdmin } from './admin.ts'

const id = 'consul/node 1/a-1@[::1]:80'
const path = `/api/v1/endpoints/${encodeURIComponent(id)}`

/** An admin listener, and what it passed on. */
async function running(outcome: ReturnType<AdminInput['commandEndpoint']>) {
  const commands: unknown[] = []
  const admin = await runAdmin({
    commandEndpoint(...command) {
      commands.push(command)
      return outcome
    },
  })
  return { admin, commands }
}

const done = { found: true, until: null, changed: true, services: ['users'] } as const

describe('commands to endpoints', () => {
  test.each(['drain', 'undrain', 'eject', 'restore'] as const)('%s', async (action) => {
    const { admin, commands } = await running(done)
    await using _ = admin
    const answer = await admin.ask(`${path}/${action}`, { method: 'POST' })
    expect(answer.status).toBe(200)
    expect(answer.json()).toEqual({ endpoint: id, action, until: null, changed: true, services: ['users'] })
    expect(commands).toEqual([[id, action, null]])
  })

  test.each([
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['576h', 2_073_600_000],
  ])('take ?duration=%s', async (text, ms) => {
    const { admin, commands } = await running({ ...done, until: '2026-01-01T00:10:00.000Z' })
    await using _ = admin
    const answer = await admin.ask(`${path}/drain?duration=${text}`, { method: 'POST' })
    expect(answer.json()).toMatchObject({ until: '2026-01-01T00:10:00.000Z' })
    expect(commands).toEqual([[id, 'drain', ms]])
  })

  test.each([
    ['drain?duration=10', 'duration must be such as'],
    ['drain?duration=0', 'duration must be such as'],
    ['drain?duration=', 'duration must be such as'],
    ['eject?duration=-1m', 'duration must be such as'],
    ['eject?duration=600h', 'duration must be such as'],
    ['drain?for=10m', 'drain takes no "for"'],
    ['undrain?duration=10m', 'undrain takes no "duration"'],
    ['restore?duration=10m', 'restore takes no "duration"'],
  ])('refuse %s and do nothing', async (asked, detail) => {
    const { admin, commands } = await running(done)
    await using _ = admin
    const answer = await admin.ask(`${path}/${asked}`, { method: 'POST' })
    expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } })
    expect(answer.json()).toMatchObject({ detail: expect.stringContaining(detail) })
    expect(commands).toEqual([])
  })

  test('say 404 for an endpoint that nobody knows, with the one that may have been meant', async () => {
    const { admin } = await running({ found: false, suggestion: id })
    await using _ = admin
    const answer = await admin.ask('/api/v1/endpoints/a-1/eject', { method: 'POST' })
    expect(answer.status).toBe(404)
    expect(answer.json()).toMatchObject({
      detail: `No endpoint has the id "a-1"; did you mean ${JSON.stringify(id)}?`,
      suggestion: id,
      path,
    })
  })

  test('say where to look when none is near', async () => {
    const { admin } = await running({ found: false, suggestion: null })
    await using _ = admin
    const answer = await admin.ask('/api/v1/endpoints/x/restore', { method: 'POST' })
    expect(answer.json()).toMatchObject({ status: 404, detail: expect.stringContaining('/api/v1/services lists') })
  })

  test('are POST only, and not for web pages', async () => {
    const { admin, commands } = await running(done)
    await using _ = admin
    expect(await admin.ask(`${path}/drain`)).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    const headers = { origin: 'http://elsewhere.test' }
    expect((await admin.ask(`${path}/drain`, { method: 'POST', headers })).status).toBe(403)
    expect(commands).toEqual([])
  })
})
