// Who wrote and who is there, where that is a program that acts for somebody: in English and German, and of messages of any shape.
import { expect, test } from 'vitest'
import { writerOf } from '../../../../web/client/base/received.ts'
import { peopleOf } from '../../../../web/client/base/received-people.ts'
import { germanMessages } from '../../../../web/client/words/german.ts'
import { createWords, personName, whoWrote } from '../../../../web/client/words/messages.ts'
import { presenceSentence } from '../../../../web/react/PresenceBar.tsx'

const english = createWords()
const german = createWords(germanMessages, 'de')
const claude = writerOf({ id: 'c', name: 'Claude', kind: 'agent', on_behalf_of: { id: 'a', name: 'Alice' } })

test('a banner and a history say for whom', () => {
  expect(whoWrote(claude, english)).toBe('by Claude, for Alice')
  expect(whoWrote(claude, english, 'start')).toBe('Claude, for Alice')
  expect(whoWrote(claude, german)).toBe('von Claude, für Alice')
  expect(personName({ name: 'Bob' }, english)).toBe('Bob')
})

test('presence says for whom', () => {
  const user = { id: 'c', name: 'Claude', on_behalf_of: { id: 'a', name: 'Alice', more: 1 } }
  const [person] = peopleOf([{ user, state: 'editing', field: 'name', tabs: 1 }])
  expect(person?.user).toEqual({ id: 'c', name: 'Claude', on_behalf_of: { id: 'a', name: 'Alice' } })
  expect(person && presenceSentence(person, english)).toBe('Claude, for Alice is editing Name')
  expect(person && presenceSentence(person, german)).toContain('Claude, für Alice')
})

test.each([null, {}, [], { name: '' }, { id: {} }])('of %j it says the program alone', (on_behalf_of) => {
  expect(writerOf({ id: 'c', name: 'Claude', kind: 'agent', on_behalf_of })).toEqual({
    id: 'c',
    name: 'Claude',
    kind: 'agent',
  })
  const [person] = peopleOf([{ user: { id: 'c', name: 'Claude', on_behalf_of }, state: 'viewing', tabs: 1 }])
  expect(person?.user).toEqual({ id: 'c', name: 'Claude' })
})
