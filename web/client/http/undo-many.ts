// Undoes saves of many records: each gets back what its history says that the version replaced, as a new version, guarded
// by that one. What others have saved since stays. Loaded on use.

import type { Fields, WireHistoryEntry } from '../../../server/protocol/index.ts'
import { isSame } from '../base/values.ts'
import type { ClientSaveManyOutcome, FetchOutcome, UndoneRecord } from './outcomes.ts'

/** Histories that are asked for at a time. */
const AT_ONCE = 6
/** The server takes so many records in one save. */
const MOST = 500

/** What it needs of the server's routes. */
interface UndoRequests {
  history(type: string, id: string): Promise<FetchOutcome<{ entries: WireHistoryEntry[] }>>
  saveMany(
    type: string,
    options: { changes: Fields; records: { id: string; clientVersion: number }[]; onRefused: 'skip' },
  ): Promise<ClientSaveManyOutcome>
}

interface SavedVersion {
  id: string
  version: number
}

export async function undoMany(
  requests: UndoRequests,
  type: string,
  saved: readonly SavedVersion[],
): Promise<UndoneRecord[]> {
  const outcomes = new Map<string, UndoneRecord>()
  /** The user who began it has left: nothing more is sent. */
  let isLeft = false
  const groups: { before: Fields; records: SavedVersion[] }[] = []

  async function look({ id, version }: SavedVersion) {
    const answer = await requests.history(type, id)
    isLeft ||= answer.outcome === 'unauthenticated'
    if (answer.outcome !== 'found') return void outcomes.set(id, { id, outcome: refused(answer.outcome) })
    const before = valuesBefore(answer.entries.find((entry) => entry.version === version))
    if (!before) return void outcomes.set(id, { id, outcome: 'no_values' })
    const group = groups.find((one) => isSame(one.before, before))
    if (group) group.records.push({ id, version })
    else groups.push({ before, records: [{ id, version }] })
  }

  async function save(changes: Fields, records: SavedVersion[]) {
    const asked = records.map(({ id, version }) => ({ id, clientVersion: version }))
    const answer = isLeft
      ? { outcome: 'unauthenticated' as const }
      : await requests.saveMany(type, { changes, records: asked, onRefused: 'skip' })
    isLeft ||= answer.outcome === 'unauthenticated'
    if (answer.outcome === 'saved' || answer.outcome === 'aborted')
      for (const record of answer.records) outcomes.set(record.id, record)
    else for (const { id } of records) outcomes.set(id, { id, outcome: refused(answer.outcome) })
  }

  const waiting = [...saved]
  const next = async () => {
    for (let one = waiting.shift(); one && !isLeft; one = waiting.shift()) await look(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
  for (const { before, records } of groups)
    for (let start = 0; start < records.length; start += MOST)
      await save(before, records.slice(start, start + MOST))
  return saved.map(
    ({ id }) => outcomes.get(id) ?? { id, outcome: isLeft ? 'unauthenticated' : 'unreachable' },
  )
}

function valuesBefore(entry: WireHistoryEntry | undefined): Fields | null {
  if (entry?.event !== 'updated' || !entry.values) return null
  const names = Object.keys(entry.values)
  const isWhole = entry.changed_fields.every((field) => names.includes(field))
  if (!isWhole || names.length === 0) return null
  return Object.fromEntries(Object.entries(entry.values).map(([field, [before]]) => [field, before]))
}

const refused = (outcome: string): UndoneRecord['outcome'] =>
  outcome === 'gone' ? 'deleted' : (outcome as UndoneRecord['outcome'])
