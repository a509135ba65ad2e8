import { describe, expect, it } from 'vitest'
import { replaceBetweenMarkers } from '../../../bench/macro/readme.ts'

describe('tables in a page', () => {
  it('take the place of what was between the markers, and of nothing else', () => {
    const page = '# Title\n<!-- bench:start -->\nold\n<!-- bench:end -->\nrest\n'
    const once = replaceBetweenMarkers(page, '| new |')
    expect(once).toBe('# Title\n<!-- bench:start -->\n| new |\n<!-- bench:end -->\nrest\n')
    expect(replaceBetweenMarkers(once as string, '| new |')).toBe(once)
  })

  it.each(['no markers', '<!-- bench:start --> only', '<!-- bench:end --><!-- bench:start -->'])(
    'are not put into a page with %s',
    (page) => {
      expect(replaceBetweenMarkers(page, 'text')).toBeNull()
    },
  )
})
