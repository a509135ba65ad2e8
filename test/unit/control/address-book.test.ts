import { describe, expect, it } from 'vitest'
import { AddressBook } from '../../../src/control/address-book.ts'

const place = (port: number) => ({ host: 'h', port })

describe('the address book', () => {
  it('knows all who list an address, until they list it no more', () => {
    const book = new AddressBook<string>()
    const [a, b, alsoB, c, d] = [place(1), place(2), place(2), place(3), place(4)]
    const owners = () => ['h:1', 'h:2', 'h:3', 'h:4'].map((address) => [...book.ownersOf(address)].join(' '))
    book.follow('users', [], [a, b])
    book.follow('orders', [], [b, c])
    expect(owners()).toEqual(['users', 'users orders', 'orders', ''])
    book.follow('users', [a, b], [a, d])
    expect(owners()).toEqual(['users', 'orders', 'orders', 'users'])
    book.follow('orders', [b, c], [b, alsoB])
    expect(owners()).toEqual(['users', 'orders', '', 'users'])
    book.follow('orders', [b, alsoB], [alsoB])
    expect(owners()).toEqual(['users', 'orders', '', 'users'])
    book.follow('orders', [alsoB], [])
    expect(owners()).toEqual(['users', '', '', 'users'])
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
