// Values that come in: what comes in is what JSON says of it, or refused with a sentence.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainFields, plainValue } from '../../../../web/client/base/plain-value.ts'
import { isSame } from '../../../../web/client/base/values.ts'

class Money {
  readonly amount = 5
  readonly currency = 'EUR'
}
class Sealed {
  #secret = 1
  get secret() {
    return this.#secret
  }
}
const circle: Record<string, unknown> = { name: 'a' }
circle.self = circle
const shared = { a: 1 }

test.each([
  [undefined, null],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  [-0, 0],
  [12n, 12],
  [-9007199254740993n, '-9007199254740993'],
  [new Date('2026-05-01T08:00:00Z'), '2026-05-01T08:00:00.000Z'],
  [new Date(Number.NaN), null],
  [new Money(), { amount: 5, currency: 'EUR' }],
  [new Proxy({ tags: ['a'] }, {}), { tags: ['a'] }],
  [new Proxy(['a'], {}), ['a']],
  [{ a: undefined, b: [undefined, () => 1].slice(0, 1) }, { b: [null] }],
  [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [Object(5), 5],
  [Object('five'), 'five'],
  [new URL('https://a.test/'), 'https://a.test/'],
  [
    [shared, shared],
    [{ a: 1 }, { a: 1 }],
  ],
  [{}, {}],
])('%o is %o', (value, plain) => expect(plainValue('tags', value)).toStrictEqual(plain))

test.each([
  [new Map([['a', 1]]), 'Map'],
  [new Set(['a']), 'Set'],
  [{ inside: new Map() }, 'Map'],
  [/a/, 'RegExp'],
  [new Error('a'), 'Error'],
  [new Uint8Array(2), 'Uint8Array'],
  [new Blob(['a']), 'Blob'],
  [new Sealed(), 'closed object'],
  [Promise.resolve(), 'Promise'],
  [() => 1, 'function'],
  [Symbol('a'), 'symbol'],
  [circle, 'circular'],
])('%o is refused', (value, what) => {
  expect(() => plainValue('tags', value)).toThrow(TypeError)
  expect(() => plainValue('tags', value)).toThrow(what)
  expect(() => plainValue('tags', value)).toThrow(/^tags cannot be saved: /)
})

test('of several fields, one that is undefined is not there', () => {
  expect(plainFields({ name: undefined, due_on: null, tags: ['a'] })).toStrictEqual({
    due_on: null,
    tags: ['a'],
  })
})

test('two values are the same when their JSON is, and a plain value is a copy of its own', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const plain = plainValue('a', a)
      expect(JSON.stringify(plain)).toBe(JSON.stringify(a))
      expect(isSame(plain, a)).toBe(true)
      if (typeof a === 'object' && a !== null) expect(plain).not.toBe(a)
      if (JSON.stringify(a) === JSON.stringify(b)) expect(isSame(a, b)).toBe(true)
    }),
  )
  expect(isSame({ a: 1, b: undefined }, { a: 1 })).toBe(true)
  expect(isSame({ toString: 1 }, {})).toBe(false)
  expect(isSame(0, -0)).toBe(true)
})
