// A long text part by part: whatever three texts are given, all parts of one side make that side's text.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeTexts, partsAround } from '../../../../web/client/text/text-diff.ts'
import {
  defaultSide,
  isRewritten,
  type PartSide,
  placesOf,
  type TextPlace,
  textOf,
} from '../../../../web/client/text/text-parts.ts'

const words = ['river', 'bridge', 'ÄÖ', '😀', 'is', 'a', '\n', '7', ',', 'منى']
const text = fc.array(fc.constantFrom(...words), { minLength: 12, maxLength: 60 }).map((all) => all.join(' '))
const edit = fc.record({
  at: fc.nat(200),
  length: fc.nat(6),
  text: fc.constantFrom('', 'new', 'some words', '\n'),
})
const edited = (original: string, edits: { at: number; length: number; text: string }[]) =>
  edits.reduce((now, { at, length, text: put }) => {
    const place = at % (now.length + 1)
    return now.slice(0, place) + put + now.slice(place + length)
  }, original)
const three = fc
  .tuple(text, fc.array(edit, { maxLength: 4 }), fc.array(edit, { maxLength: 4 }))
  .map(([original, mine, theirs]) => [original, edited(original, mine), edited(original, theirs)] as const)

const all = (places: TextPlace[], side: PartSide) =>
  textOf(places, Object.fromEntries(places.map((_, number) => [number, side])))

test('all parts of a side make its text, and what does not overlap merges as the server merges it', () => {
  let found = 0
  fc.assert(
    fc.property(three, ([original, mine, theirs]) => {
      const places = placesOf(original, mine, theirs)
      if (places === null) return
      found += 1
      expect(all(places, 'mine')).toBe(mine)
      expect(all(places, 'theirs')).toBe(theirs)
      expect(places.map((place) => place.original).join('')).toBe(original)
      // A difference that takes too long on a busy machine is a coarser one: then both are asked again.
      const isAgreed = () => {
        const [now, merged] = [placesOf(original, mine, theirs), mergeTexts(original, mine, theirs)]
        const isOpen = now?.some((place) => defaultSide(place) === null)
        return now !== null && isOpen === (merged === null) && textOf(now, {}) === merged
      }
      expect(isAgreed() || isAgreed() || isAgreed()).toBe(true)
    }),
    { numRuns: 600, seed: 17 },
  )
  expect(found).toBeGreaterThan(300)
})

const ORIGINAL =
  'The bridge is built of stone.\nIt was opened in spring, and closed in autumn.\nNobody crosses it.'

test('two changes at one place are one to decide, others have their side', () => {
  const places = placesOf(
    ORIGINAL,
    ORIGINAL.replace('stone', 'steel').replace('Nobody', 'Everybody'),
    ORIGINAL.replace('stone', 'fine timber').replace('spring', 'summer'),
  ) as TextPlace[]
  expect(places.filter(({ kind }) => kind !== 'same')).toEqual([
    { kind: 'both', original: 'stone', mine: 'steel', theirs: 'fine timber' },
    { kind: 'theirs', original: 'spring', mine: 'spring', theirs: 'summer' },
    { kind: 'mine', original: 'Nobody', mine: 'Everybody', theirs: 'Nobody' },
  ])
  expect(textOf(places, {})).toBeNull()
  const first = places.findIndex(({ kind }) => kind === 'both')
  expect(textOf(places, { [first]: 'both' })).toBe(
    'The bridge is built of steel fine timber.\nIt was opened in summer, and closed in autumn.\nEverybody crosses it.',
  )
})

test('neighbouring words of one side are one part', () => {
  const places = placesOf(ORIGINAL, ORIGINAL.replace('closed in autumn', 'torn down at once'), ORIGINAL)
  expect(places?.filter(({ kind }) => kind !== 'same')).toHaveLength(1)
})

test('a text that more than half is new has no parts', () => {
  expect(placesOf(ORIGINAL, `Something else entirely, by ${'x '.repeat(60)}`, ORIGINAL)).toBeNull()
  expect(isRewritten(ORIGINAL, ORIGINAL.replace('stone', 'steel'))).toBe(false)
})

test('of the original, what lies around the changes is shown', () => {
  const original = `${'left '.repeat(60)}middle ${'right '.repeat(60)}`
  const shown = partsAround(original, original.replace('middle', 'centre'), original)
  expect(shown.map((part) => part.kind)).toEqual(['skipped', 'same', 'removed', 'same', 'skipped'])
  const count = shown.reduce(
    (sum, part) => sum + (part.kind === 'skipped' ? part.count : part.text.length),
    0,
  )
  expect(count).toBe(original.length)
})
