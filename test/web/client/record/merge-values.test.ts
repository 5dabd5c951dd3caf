// Three versions of one value into one: what one side alone changed comes out as that side has it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeValues } from '../../../../web/client/record/merge-values.ts'

const rows = (...labels: string[]) => labels.map((label) => ({ id: label.charAt(0), text: label }))

test('different keys of one object', () => {
  expect(mergeValues({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3 })).toEqual({ value: { a: 2, b: 3 } })
  expect(mergeValues({ a: { x: 1, y: 1 } }, { a: { x: 2, y: 1 } }, { a: { x: 1 } })).toEqual({
    value: { a: { x: 2 } },
  })
  expect(mergeValues({ a: 1 }, { a: 2 }, { a: 3 })).toBeNull()
})

test('different rows of one list, by their ids', () => {
  const original = rows('a', 'b', 'c')
  expect(mergeValues(original, rows('a mine', 'b', 'c'), rows('a', 'b', 'c theirs'))).toEqual({
    value: rows('a mine', 'b', 'c theirs'),
  })
  expect(mergeValues(original, rows('a', 'n', 'b', 'c'), rows('a', 'c', 'z'))).toEqual({
    value: rows('a', 'n', 'c', 'z'),
  })
  expect(mergeValues(original, rows('c', 'a', 'b'), rows('a', 'b theirs', 'c'))).toEqual({
    value: rows('c', 'a', 'b theirs'),
  })
})

test('the same row changed twice, one removed here and changed there, and two orders are no merge', () => {
  const original = rows('a', 'b', 'c')
  expect(mergeValues(original, rows('a mine', 'b', 'c'), rows('a theirs', 'b', 'c'))).toBeNull()
  expect(mergeValues(original, rows('b', 'c'), rows('a theirs', 'b', 'c'))).toBeNull()
  expect(mergeValues(original, rows('b', 'a', 'c'), rows('a', 'c', 'b'))).toBeNull()
})

test('lists without ids and texts are whole values', () => {
  expect(mergeValues([1, 2], [1, 2, 3], [0, 1, 2])).toBeNull()
  expect(mergeValues('a', 'b', 'c')).toBeNull()
})

test('a side that changed nothing decides nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (original, changed) => {
      expect(mergeValues(original, changed, original)).toEqual({ value: changed })
      expect(mergeValues(original, original, changed)).toEqual({ value: changed })
    }),
  )
})
