// Numbers as people type them: the digits come out as they went in, or not at all.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { likeBase, readNumber } from '../../../../web/client/base/number-text.ts'

const valueIn = (text: string, locale = 'en') => {
  const read = readNumber(text, locale)
  return read.kind === 'value' ? read.value : read.kind
}

test.each([
  ['', null],
  ['  ', null],
  ['0.05', 0.05],
  ['1234.05', 1234.05],
  ['-0.5', -0.5],
  ['-0', 0],
  ['2.05', 2.05],
  ['2.', 2],
  ['.5', 0.5],
  ['1e3', 1000],
  ['+7', 7],
  ['−3', -3],
  ['１２', 12],
  ['١٢٫٥', 12.5],
  ['۱۲۳۴', 1234],
  ['१२', 12],
  ['১২', 12],
  ['١٬٢٣٤٫٥', 1234.5],
  ['١٬٥', 'unreadable'],
  ['\u200f-5\u200e', -5],
  ['9223372036854775002', '9223372036854775002'],
  ['-9007199254740993', '-9007199254740993'],
  ['0.12345678901234567890', '0.12345678901234567890'],
  ['1,234.5', 1234.5],
  ['-', 'unfinished'],
  ['.', 'unfinished'],
  ['-.', 'unfinished'],
  ['1e', 'unfinished'],
  ['1e-', 'unfinished'],
  ['12ab', 'unreadable'],
  ['1,5', 'unreadable'],
  ['1.2.3', 'unreadable'],
  ['0x10', 'unreadable'],
  ['NaN', 'unreadable'],
  ['Infinity', 'unreadable'],
  ['1 2', 'unreadable'],
])('%j is %j', (text, value) => expect(valueIn(text)).toBe(value))

test.each([
  ['de', '1,5', 1.5],
  ['de', '1.234,5', 1234.5],
  ['de', '0.05', 0.05],
  ['de', '1.234.567', 1234567],
  ['fr', '1\u202f234,5', 1234.5],
  ['hi', '12,34,567', 1234567],
  ['de', '1,2,3', 'unreadable'],
])('in %s, %j is %j', (locale, text, value) => expect(valueIn(text, locale)).toBe(value))

test('whatever digits are typed, the same digits come out', () => {
  const digits = fc.stringMatching(/^-?[1-9]\d{0,24}(\.\d{0,12}[1-9])?$/)
  fc.assert(
    fc.property(digits, fc.constantFrom('en', 'de', 'fr', 'ar', 'hi'), (text, locale) => {
      const value = valueIn(text, locale)
      const written = typeof value === 'number' ? plainDigits(value) : value
      expect(written).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

/** A number's digits without an exponent. */
const plainDigits = (value: number) =>
  String(value).includes('e') ? BigInt(value).toString() : String(value)

test.each([
  ['1e400', '1e400'],
  ['1e-400', '1e-400'],
  ['1.23456789e-320', '1.23456789e-320'],
  ['007.50', 7.5],
  ['00012345678901234567', '12345678901234567'],
  ['1.e-400', '1e-400'],
  ['1.5e3', 1500],
  ['123456789012345', 123456789012345],
])('%j, at the ends of what a number holds, is %j', (text, value) => expect(valueIn(text)).toBe(value))

test('a text column keeps the text, one for numbers the number', () => {
  expect(likeBase(7, '007', '008')).toBe('008')
  expect(likeBase(5, '1234567890123455', '5')).toBe(5)
  expect(likeBase(5, 4, '5')).toBe(5)
})
