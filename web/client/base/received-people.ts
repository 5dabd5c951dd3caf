// Normalizes what only events have: people at a record, who asks for it, and the lists that an import concerns. Loaded with the events.

import type { PresentPerson } from '../../../server/protocol/index.ts'
import { isFound, normalize, textOf, writerOf } from './received.ts'

/** Everybody of a presence message who can be shown. */
export const peopleOf = (value: unknown): PresentPerson[] =>
  listOf(value).flatMap((person) => {
    if (!isFound(person) || !isFound(person.user)) return []
    const writer = writerOf({ ...person.user, kind: 'agent' })
    const { state, field } = person
    if (!writer || (state !== 'viewing' && state !== 'editing' && state !== 'idle')) return []
    const { kind: _, ...user } = writer
    const tabs = typeof person.tabs === 'number' ? person.tabs : 1
    const unsaved = person.unsaved === true && { unsaved: true }
    return [{ user, state, field: textOf(field) || null, tabs, ...unsaved }]
  })

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Normalizes an event in place. */
export function normalizeEvent(event: object): void {
  normalize(event)
  if ('people' in event) event.people = peopleOf(event.people)
  if ('scopes' in event) event.scopes = listOf(event.scopes).filter(isFound)
  if ('from' in event) event.from = writerOf(event.from) ?? { id: '', name: '' }
}
