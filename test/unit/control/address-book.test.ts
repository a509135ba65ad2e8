import { describe, expect, it } from 'vitest'
import { AddressBook } from '../../../src/control/address-book.ts'

const addresses = (...list: string[]) => new Set(list)

describe('the address book', () => {
  it('knows all who list an address, until they list it no more', () => {
    const book = new AddressBook<string>()
    const [users, orders] = [addresses(), addresses()]
    const owners = (address: string) => [...book.ownersOf(address)]
    book.follow('users', users, addresses('a', 'b'))
    book.follow('orders', orders, addresses('b', 'c'))
    expect([owners('a'), owners('b'), owners('c'), owners('d')]).toEqual([
      ['users'],
      ['users', 'orders'],
      ['orders'],
      [],
    ])
    book.follow('users', users, addresses('a', 'd'))
    expect([owners('a'), owners('b'), owners('d')]).toEqual([['users'], ['orders'], ['users']])
    expect([...users]).toEqual(['a', 'd'])
    book.follow('orders', orders, addresses())
    expect([owners('b'), owners('c')]).toEqual([[], []])
  })

  it('takes nothing from another owner when one lets go twice', () => {
    const book = new AddressBook<string>()
    book.add('users', 'a')
    book.remove('users', 'a')
    book.add('orders', 'a')
    book.remove('users', 'a')
    expect([...book.ownersOf('a')]).toEqual(['orders'])
  })
})
