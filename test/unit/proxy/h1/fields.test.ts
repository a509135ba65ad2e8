import { expect, test } from 'vitest'
import { listMembers, trimmed } from '../../../../src/proxy/h1/fields.ts'

test.each([
  ['', ''],
  ['a', 'a'],
  [' \t a b\t ', 'a b'],
  [' \t ', ''],
  ['\xa0a\xa0', '\xa0a\xa0'],
  ['\x0ba\x85', '\x0ba\x85'],
])('the white space around %j is spaces and tabs', (text, wanted) => {
  expect(trimmed(text)).toBe(wanted)
})

test('a member of a list keeps bytes that are no white space', () => {
  expect(listMembers(' Close,\t, \xa0Upgrade ,x ')).toEqual(['close', '\xa0upgrade', 'x'])
})
