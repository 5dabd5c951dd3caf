// A place of a text in another version of it: the cursor stays between the same letters where these are there still.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placesIn } from '../../../../web/client/text/places.ts'

/** `|` is the place. */
const moved = (before: string, now: string) => {
  const at = before.indexOf('|')
  const [place = -1] = placesIn(before.replace('|', ''), now, [at])
  return `${now.slice(0, place)}|${now.slice(place)}`
}

test.each([
  ['Bridge| over', 'Old Bridge over', 'Old Bridge| over'],
  ['Bridge| over', 'Old Bridge over the Rhine', 'Old Bridge| over the Rhine'],
  ['one two| three', 'One, two three!', 'One, two| three!'],
  ['|Bridge', 'Old Bridge', '|Old Bridge'],
  ['Bridge|', 'Old Bridge', 'Old Bridge|'],
  ['a replaced| word', 'a new word', 'a new| word'],
  ['all of| it', 'nothing', 'nothin|g'],
  ['gone|', '', '|'],
])('%s, now %s: %s', (before, now, then) => {
  expect(moved(before, now)).toBe(then)
})

test('words that come before and after it move it, and none that stand elsewhere', () => {
  const words = fc
    .array(fc.constantFrom('ab', 'cd', 'ef', 'gh '), { maxLength: 4 })
    .map((some) => some.join(''))
  fc.assert(
    fc.property(words, words, (first, last) => {
      expect(moved(`${first}here| it is${last}`, `+${first}here it is${last}+`)).toBe(
        `+${first}here| it is${last}+`,
      )
    }),
  )
})

test('a place is always within the text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), (before, now, at) => {
      const [place = -1] = placesIn(before, now, [at % (before.length + 1)])
      expect(place).toBeGreaterThanOrEqual(0)
      expect(place).toBeLessThanOrEqual(now.length)
    }),
  )
})
