// What waits for a new record that it names: it is sent once that is on the server.

import type { CreatedIds } from './created-ids.ts'
import type { UnsentEntry, Waits } from './draft-storage.ts'
import { givenIdOf, hasText, isLocalId } from './local-ids.ts'

type Ids = Pick<CreatedIds, 'find'>

/** New records that are not on the server, by their ids, and by the keys that they will have. */
export function unmadeOf(entries: readonly UnsentEntry[], ids: Ids): Map<string, UnsentEntry> {
  const unmade = new Map<string, UnsentEntry>()
  for (const entry of entries) {
    if (!isLocalId(entry.id) || ids.find(entry.id)) continue
    unmade.set(entry.id, entry)
    const given = givenIdOf(entry.id)
    if (given !== null) unmade.set(given, entry)
  }
  return unmade
}

/** `null`: nothing that it names is missing on the server. */
export function waitsOf(
  named: unknown,
  unmade: ReadonlyMap<string, UnsentEntry>,
  ids: Ids,
  self?: string,
): Waits | null {
  const parent = (text: string) => (text === self ? undefined : unmade.get(text))
  const isGone = (text: string) => text !== self && isLocalId(text) && !unmade.has(text) && !ids.find(text)
  if (hasText(named, isGone)) return 'gone'
  if (hasText(named, (text) => parent(text)?.trouble != null)) return 'refused'
  return hasText(named, (text) => parent(text) !== undefined) ? 'parent' : null
}

/** What of an entry may name another record. */
export const namedBy = ({ edits }: UnsentEntry): unknown => [edits.draft, edits.unanswered?.changes]

export function withWaits(entries: readonly UnsentEntry[], ids: Ids): UnsentEntry[] {
  const unmade = unmadeOf(entries, ids)
  const isOld = ({ waits }: UnsentEntry) => waits !== undefined
  return entries.map((entry) => {
    const waits = waitsOf(namedBy(entry), unmade, ids, entry.id)
    return waits || isOld(entry) ? { ...entry, waits } : entry
  })
}
