import { describe, expect, it } from 'vitest'
import { AddressBook } from '../../../src/control/address-book.ts'

const addresses = (...list: string[]) => new Set(list)

describe('the address book', () => {
  it('knows all who list an address, until they list it no more', () => {
    const book = new AddressBook<string>()
    const owners = (address: string) => [...book.ownersOf(address)]
    book.replace('users', addresses(), addresses('a', 'b'))
    book.replace('orders', addresses(), addresses('b', 'c'))
    expect([owners('a'), owners('b'), owners('c'), owners('d')]).toEqual([
      ['users'],
      ['users', 'orders'],
      ['orders'],
      [],
    ])
    book.replace('users', addresses('a', 'b'), addresses('a', 'd'))
    expect([owners('a'), owners('b'), owners('d')]).toEqual([['users'], ['orders'], ['users']])
    book.replace('orders', addresses('b', 'c'), addresses())
    expect([owners('b'), owners('c')]).toEqual([[], []])
  })

  it('takes nothing from another owner when one lets go twice', () => {
    const book = new AddressBook<string>()
    book.replace('users', addresses(), addresses('a'))
    book.replace('users', addresses('a'), addresses())
    book.replace('orders', addresses(), addresses('a'))
    book.replace('users', addresses('a'), addresses())
    expect([...book.ownersOf('a')]).toEqual(['orders'])
  })
})
