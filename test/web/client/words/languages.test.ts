// Languages as data: German says everything that English says, with the same placeholders; what people write for a locale
// never throws; labels come from names, and an app's own labels and formats win.

import {
  createWords,
  englishMessages,
  englishPartMessages,
  germanChangedMessages,
  germanMessages,
  labelOf,
  listFields,
  valueText,
} from 'noclobber/client'
import { expect, test } from 'vitest'
import { PROBLEM_STATUS } from '../../../../server/protocol/index.ts'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import { initialRecordState } from '../../../../web/client/record/state.ts'
import { germanHistoryMessages } from '../../../../web/client/words/german-history-messages.ts'
import { englishHistoryMessages } from '../../../../web/client/words/history-messages.ts'
import { wordsWith } from '../../../../web/client/words/messages.ts'
import { timeAgo, timeOfDay } from '../../../../web/client/words/time-ago.ts'

/** Every text by its path. */
function textsOf(messages: object, path = ''): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [name, text] of Object.entries(messages)) {
    const here = path === '' ? name : `${path}.${name}`
    if (typeof text === 'string') texts.set(here, text)
    else for (const [inner, one] of textsOf(text, here)) texts.set(inner, one)
  }
  return texts
}

const english = textsOf({ ...englishMessages, ...englishPartMessages })
const german = textsOf({ ...germanMessages, changed: germanChangedMessages, problems: {} })
/** The same in both languages. */
const SAME = /^whoSaved\.(user|service|agent)$|^presence\.more$|^connection\.(live|offline)$/

test.for([
  ['messages', english, german],
  ['history', textsOf(englishHistoryMessages), textsOf(germanHistoryMessages)],
] as const)(
  'German has every text of %s, with the same placeholders, and none in English',
  ([, english, german]) => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort())
    const placeholders = (text = '') => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort()
    for (const [path, text] of german) {
      expect(placeholders(text), path).toEqual(placeholders(english.get(path)))
      if (!SAME.test(path)) expect(text, path).not.toBe(english.get(path))
    }
  },
)

test('German has a sentence for every code of the server', () => {
  expect(Object.keys(germanMessages.problems).sort()).toEqual(Object.keys(PROBLEM_STATUS).sort())
})

test('a refusal is said in the language of the page, by its code', () => {
  const problem = { kind: 'failed', detail: 'The database can not be reached.', code: 'unavailable' } as const
  const state = { ...initialRecordState, status: 'offline' as const, trouble: problem }
  const said = (words: ReturnType<typeof createWords>) => bannerFor(state, 0, words)?.parts[0]?.text
  expect(said(createWords())).toBe('Not loaded: The database can not be reached.')
  expect(said(createWords(germanMessages, 'de'))).toBe(
    `Nicht geladen: ${germanMessages.problems.unavailable}`,
  )
})

test.for(['de_DE', 'de_DE.UTF-8', 'de-DE', 'DE', 'nonsense_!', '', 'en_US@euro', 'x'])(
  'locale %s never throws',
  (locale) => {
    const words = createWords({}, locale)
    expect(timeAgo(0, 5 * 86_400_000, words)).toMatch(/5/)
    expect(timeOfDay(0, words)).toMatch(/\d/)
    expect(listFields(['name', 'status'], words)).toMatch(/Name.*Status/)
  },
)

test('lists and plurals are the language’s own', () => {
  const fields = ['name', 'status', 'budget']
  expect(listFields(fields, createWords())).toBe('Name, Status, Budget')
  expect(listFields(fields, createWords(germanMessages, 'de'))).toBe('Name, Status und Budget')
  const many = ['a', 'b', 'c', 'd', 'e']
  expect(listFields(many, createWords(germanMessages, 'de'))).toMatch(/und 2 weitere Felder$/)
})

test.for([
  ['due_on', 'Due on'],
  ['dueOn', 'Due on'],
  ['clientName', 'Client name'],
  ['contactURL', 'Contact URL'],
  ['line2Text', 'Line2 text'],
  ['name', 'Name'],
])('the label of %s is %s', ([field, label]) => {
  expect(labelOf(field as string, createWords())).toBe(label)
})

test('an app’s labels and formats win over the usual ones, and an editor’s over the provider’s', () => {
  const words = createWords({ fields: { due_on: 'Deadline' } }, 'en', (field, value) =>
    field === 'budget' ? `${value} €` : null,
  )
  expect([labelOf('due_on', words), valueText(5, words, 'budget'), valueText(5, words, 'count')]).toEqual([
    'Deadline',
    '5 €',
    '5',
  ])
  const own = wordsWith(words, { due_on: 'Due' }, () => 'x')
  expect([labelOf('due_on', own), valueText(5, own, 'budget')]).toEqual(['Due', 'x'])
})
