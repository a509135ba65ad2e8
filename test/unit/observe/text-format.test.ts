import { describe, expect, test } from 'vitest'
import { parseTextFormat } from './text-format.ts'

const head = '# HELP up Whether it is up\n# TYPE up gauge\n'

describe('the strict reader of the text format', () => {
  test('reads labels, escapes and values', () => {
    const family = parseTextFormat(`${head}up{a="x\\"\\\\\\n",b=""} 1.5e-7\nup +Inf\n`).get('up')
    expect(family?.samples).toEqual([
      { name: 'up', labels: { a: 'x"\\\n', b: '' }, value: 1.5e-7 },
      { name: 'up', labels: {}, value: Infinity },
    ])
  })

  test.each([
    ['a last line without line feed', `${head}up 1`, 'does not end'],
    ['a second HELP', `${head}up 1\n${head}`, 'HELP again'],
    ['TYPE without HELP', '# TYPE up gauge\n', 'without its HELP'],
    ['a sample of another family', `${head}down 1\n`, 'outside its family'],
    ['a series twice', `${head}up{a="1",b="2"} 1\nup{b="2",a="1"} 1\n`, 'series twice'],
    ['a bare quote in a label', `${head}up{a="b"c"} 1\n`, 'not a sample'],
    ['an unknown escape', `${head}up{a="\\t"} 1\n`, 'not a sample'],
    ['a value that is no number', `${head}up one\n`, 'not a number'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseTextFormat(text)).toThrow(message)
  })
})
