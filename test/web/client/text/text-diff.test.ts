// What differs between texts: the edits make the one of the other, whatever they are, and in bounded time.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  editsBetween,
  mergeTexts,
  partsBetween,
  type TextEdit,
} from '../../../../web/client/text/text-diff.ts'

const apply = (text: string, edits: TextEdit[]) =>
  edits.reduceRight((done, { from, to, text: put }) => done.slice(0, from) + put + done.slice(to), text)

const word = fc.constantFrom('bridge', 'harbour', 'the', ' ', '\n', '.', 'ü', '🌉', 'é')
const prose = fc.array(word, { maxLength: 30 }).map((words) => words.join(''))

test('the edits make one text of the other', () => {
  fc.assert(
    fc.property(prose, prose, (a, b) => {
      expect(apply(a, editsBetween(a, b))).toBe(b)
    }),
    { numRuns: 2000 },
  )
})

test('whole words are marked, not letters', () => {
  expect(editsBetween('the old bridge', 'the olden bridge')).toEqual([{ from: 4, to: 7, text: 'olden' }])
})

test('changes in different places of a text fit together', () => {
  const original = 'The bridge is old.\nThe harbour is deep.\n'
  const mine = 'The bridge is new.\nThe harbour is deep.\n'
  const theirs = 'The bridge is old.\nThe harbour is shallow.\n'
  expect(mergeTexts(original, mine, theirs)).toBe('The bridge is new.\nThe harbour is shallow.\n')
  expect(mergeTexts(original, mine, 'The bridge is older.\nThe harbour is deep.\n')).toBeNull()
})

test('a merge keeps all that either side added, and takes what one side alone changed', () => {
  fc.assert(
    fc.property(prose, prose, (original, changed) => {
      expect(mergeTexts(original, changed, original)).toBe(changed)
      expect(mergeTexts(original, original, changed)).toBe(changed)
      expect(mergeTexts(original, changed, changed)).toBe(changed)
    }),
  )
})

test('what is shown of a long text is short', () => {
  const long = 'word '.repeat(200_000)
  const parts = partsBetween(long, `${long.slice(0, 500_000)}changed ${long.slice(500_000)}`)
  expect(parts.map(({ kind }) => kind)).toEqual(['skipped', 'same', 'added', 'same', 'skipped'])
})

test('a million characters that have nothing in common become one change, soon', () => {
  const [a, b] = ['a b\n'.repeat(250_000), 'c d\n'.repeat(250_000)]
  const before = process.cpuUsage()
  const edits = editsBetween(a, b)
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(5_000)
  expect(edits).toHaveLength(1)
  expect(apply(a, edits) === b).toBe(true)
})

test.each([
  ['a word with marks of its own', 'für die Brücke', 'vür die Brücke', 'fürt die Brücke'],
  ['a word in Devanagari', 'हिन्दी में', 'हिन्दू में', 'बिन्दी में'],
  ['a family', 'of 👨‍👩‍👧 here', 'of 👩‍👩‍👧 here', 'of 👨‍👩‍👦 here'],
  ['a profession', '👩‍💻', '👨‍💻', '👩‍🚀'],
  ['a flag', 'from 🇩🇪 to', 'from 🇩🇰 to', 'from 🇧🇪 to'],
  ['a sign with its look', '❤️ it', '💙️ it', '❤ it'],
])('%s that both changed is one that both changed', (_what, original, mine, theirs) => {
  const decompose = (text: string) => text.normalize('NFD')
  expect(mergeTexts(decompose(original), decompose(mine), decompose(theirs))).toBeNull()
})

test('what is joined to a sign stays with it where the others changed something else', () => {
  const merged = mergeTexts('👩‍💻 and 🇩🇪 meet', '👨‍💻 and 🇩🇪 meet', '👩‍💻 and 🇩🇰 meet')
  expect(merged).toBe('👨‍💻 and 🇩🇰 meet')
})
