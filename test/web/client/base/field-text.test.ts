// What an input's text means, where the input can't show all of the value.
import { expect, test } from 'vitest'
import { readInput } from '../../../../web/client/base/field-text.ts'
import { randomOf } from '../../../support/random.ts'

const fieldOf = (base: unknown) => ({ name: 'name', base, now: base, type: 'string', locale: 'en' })
const read = (value: string, base: unknown, type: string) => readInput({ value, type }, 'text', fieldOf(base))
const shown = (text: string) => text.replace(/[\r\n]/g, '')

test.each([
  ['> one\ntwo', '> onetwo', 'one\ntwo'],
  ['one!\ntwo', 'one!two', 'one\ntwo'],
  ['one\n\ntwo\n', 'onetwo', 'one\n\ntwo\n'],
  ['one', 'one', 'one\ntwo'],
  ['all new', 'all new', 'one\ntwo'],
  ['\r\none!', 'one!', '\r\none'],
  ['', '', 'one\ntwo'],
])('one line: %j is what %j means over %j', (value, text, base) => {
  expect(read(text, base, 'text')).toEqual({ kind: 'value', value })
})

test('one line: whatever is typed is shown as it was typed, and line ends before and after it stay', () => {
  const random = randomOf(17)
  const some = (length: number, of: string) =>
    Array.from({ length: random.below(length) }, () => random.pick([...of])).join('')
  for (let run = 0; run < 2000; run += 1) {
    const base = some(12, 'aab\n\r\n')
    const text = shown(base)
    const at = random.below(text.length + 1)
    const until = at + random.below(text.length - at + 1)
    const typed = text.slice(0, at) + some(4, 'abx') + text.slice(until)
    if (typed === '') continue
    const { value } = read(typed, base, 'text') as { value: string }
    expect(shown(value)).toBe(typed)
    if (typed === text) expect(value).toBe(base)
    if (until === at) expect(value.length - typed.length).toBe(base.length - text.length)
  }
})

test('a textarea has all of them, and an input of a design system is taken as it is', () => {
  expect(read('onetwo', 'one\ntwo', 'textarea')).toEqual({ kind: 'value', value: 'onetwo' })
  expect(readInput({ value: 'onetwo' }, 'text', fieldOf('one\ntwo'))).toEqual({
    kind: 'value',
    value: 'onetwo',
  })
})

test('a time is no edit as far as its input shows it', () => {
  for (const [text, base] of [
    ['14:30', '14:30:00'],
    ['14:30:15.123', '14:30:15.123456'],
    ['14:30:15.5', '14:30:15.500'],
  ] as const)
    expect(read(text, base, 'time')).toEqual({ kind: 'value', value: base })
  expect(read('14:31', '14:30:00', 'time')).toEqual({ kind: 'value', value: '14:31' })
})
