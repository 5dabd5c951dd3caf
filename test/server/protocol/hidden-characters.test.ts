// What a reader can't see becomes visible; what they can see stays as it is.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOT_IN_NAMES } from '../../../migrations/functions/writer-setting.ts'
import { DECEPTIVE_CHARACTERS, printable } from '../../../server/protocol/hidden-characters.ts'

test.each([
  ['a colour', '\u001b[31mred', '\\u001b[31mred'],
  ['a cursor moved by a C1 control', '\u009b2Jgone', '\\u009b2Jgone'],
  [
    'a line of its own',
    'a\nb\r\nc\td\u0085e\u2028f\u2029',
    'a\\u000ab\\u000d\\u000ac\\u0009d\\u0085e\\u2028f\\u2029',
  ],
  ['a bell, a delete', '\u0007\u007f', '\\u0007\\u007f'],
  ['a text that reads backwards', '\u202efdp.exe', '\\u202efdp.exe'],
  [
    'isolates and marks',
    '\u2066\u2067\u2068\u2069\u200e\u200f\u061c',
    '\\u2066\\u2067\\u2068\\u2069\\u200e\\u200f\\u061c',
  ],
  [
    'width zero',
    'a\u200bb\u200cc\u200dd\u2060\ufeff\u00ad',
    'a\\u200bb\\u200cc\\u200dd\\u2060\\ufeff\\u00ad',
  ],
  ['fillers', '\u3164\u115f\uffa0', '\\u3164\\u115f\\uffa0'],
  ['tags', '\u{e0041}', '\\udb40\\udc41'],
  ['half a pair', '\ud83d.', '\\ud83d.'],
])('%s', (_, text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('what people write stays', () => {
  const text = 'Jürgen O’Neill, 王小明, محمد, Łódź 🚲 – "50 %" \\ {a} 𝒳'
  expect(printable(text)).toBe(text)
})

test('whatever the text: nothing hidden is left, it happens once, and JSON says the same', () => {
  const unit = fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom('\u001b', '\u202e', '\u2066', '\u200b', '\u{e0020}', '\\', '"'),
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 20 }), (units) => {
      const text = units.join('')
      const shown = printable(text)
      expect(shown).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}/u)
      expect(printable(shown)).toBe(shown)
      const json = JSON.stringify({ text })
      expect(JSON.parse(printable(json))).toEqual({ text })
    }),
  )
})

test('what no name may hold in the database is left out of names in the page', () => {
  const kept = new RegExp(NOT_IN_NAMES, 'u')
  const codes = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code))
  const shown = codes.filter((text) => kept.test(text) && text.replace(DECEPTIVE_CHARACTERS, '') !== '')
  expect(shown).toEqual([])
})
