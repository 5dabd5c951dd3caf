// Three versions of one value into one: what one side alone changed comes out as that side has it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeValues } from '../../../../web/client/base/merge-values.ts'

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

test('rows are distinguished by numbers too, and by a key where there is no id', () => {
  const numbered = (...texts: string[]) => texts.map((text, id) => ({ id, text }))
  expect(mergeValues(numbered('a', 'b'), numbered('a mine', 'b'), numbered('a', 'b theirs'))).toEqual({
    value: numbered('a mine', 'b theirs'),
  })
  const keyed = (...texts: string[]) => texts.map((text) => ({ key: text.charAt(0), text }))
  expect(mergeValues(keyed('a', 'b'), keyed('a mine', 'b'), keyed('a', 'b theirs'))).toEqual({
    value: keyed('a mine', 'b theirs'),
  })
})

test('a list is no list of rows where on any side an entry has no id or two have the same', () => {
  const [original, mine, theirs] = [rows('a', 'b'), rows('a mine', 'b'), rows('a', 'b theirs')]
  for (const entry of [null, 'text', 7, { text: 'no id' }, { id: true }, { id: 'a', text: 'twice' }]) {
    expect(mergeValues([...original, entry], [...mine, entry], [...theirs, entry])).toBeNull()
    expect(mergeValues(original, mine, [...theirs, entry])).toBeNull()
    expect(mergeValues(original, [...mine, entry], theirs)).toBeNull()
    expect(mergeValues([...original, entry], mine, theirs)).toBeNull()
  }
})

test('null is no object: where one side cleared a value that the other changed there is no merge', () => {
  expect(mergeValues({ a: 1 }, null, { a: 2 })).toBeNull()
  expect(mergeValues({ a: 1 }, { a: 2 }, null)).toBeNull()
  expect(mergeValues(null, { a: 1 }, { b: 1 })).toBeNull()
  expect(mergeValues({ a: { x: 1 } }, { a: null }, { a: { x: 2 } })).toBeNull()
})

test('a row that was added first stands first, and what was removed on one side is gone', () => {
  const original = rows('a', 'b', 'c')
  expect(mergeValues(original, rows('n', 'a', 'b', 'c'), rows('a', 'b', 'c theirs'))).toEqual({
    value: rows('n', 'a', 'b', 'c theirs'),
  })
  const merged = mergeValues({ a: 1, b: 1 }, { a: 1 }, { a: 2, b: 1 })
  expect(Object.keys(merged?.value as object)).toEqual(['a'])
})

test('my order counts with rows added and removed there; theirs, where I moved none', () => {
  const original = rows('a', 'b', 'c')
  expect(mergeValues(original, rows('c', 'b', 'a'), rows('a', 'b', 'c', 'z'))).toEqual({
    value: rows('c', 'b', 'a', 'z'),
  })
  expect(mergeValues(original, rows('c', 'b', 'a'), rows('a', 'c'))).toEqual({ value: rows('c', 'a') })
  expect(mergeValues(original, rows('a', 'b mine'), rows('c', 'a', 'b'))).toEqual({
    value: rows('a', 'b mine'),
  })
  expect(mergeValues(original, rows('a mine', 'b', 'c'), rows('c', 'z', 'a', 'b'))).toEqual({
    value: rows('c', 'z', 'a mine', 'b'),
  })
})

test('a side that changed nothing decides nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (original, changed) => {
      expect(mergeValues(original, changed, original)).toEqual({ value: changed })
      expect(mergeValues(original, original, changed)).toEqual({ value: changed })
    }),
  )
})
