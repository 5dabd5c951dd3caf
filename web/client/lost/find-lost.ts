// Finds those of the noted writes that the server has lost, and makes them again. Loaded when the database goes back.
// Invariant: a creation and an import are made once more under one id, however often that is asked for; a bulk edit on versions
// that are read first.

import type { Fields, RecordAddress } from '../../../server/protocol/index.ts'
import { elapsedOf } from '../base/clock.ts'
import { historyUpTo, lostAmong, mayPass } from './lost-in-history.ts'
import type { LostSave, NotedWrite, NotedWrites, NotedWritesOptions } from './types.ts'

const MOST_ASKED = 500
/** Some may have been deleted since. */
const BULK_RECORDS_ASKED = 5
/** A server remembers mutations for a day; later it can't be asked for an import by its id. */
const REMEMBERED_MS = 12 * 3_600_000
/** A row that no import takes. */
const NO_ROW = '[]\n'
const GOOD = ['created', 'saved', 'imported']

/** Of these the lost ones; `null`: that could not be learned yet. */
type Lost = Promise<NotedWrite[] | null>

async function lostOfRecord({ requests }: NotedWritesOptions, writes: NotedWrite[]): Lost {
  const answer = await historyUpTo(requests, writes[0] as RecordAddress, writes)
  if (mayPass(answer)) return null
  const creation = writes.find(({ what }) => what === 'creation')
  if (answer.outcome === 'not_found') return creation ? writes : []
  if (answer.outcome !== 'found') return []
  const isAnother = answer.isWhole && !answer.entries.some(({ version }) => version === creation?.version)
  return creation && isAnother ? writes : lostAmong(writes, answer.entries)
}

/** A bulk edit is one transaction: what holds for one of its records holds for all. */
async function lostBulk({ requests }: NotedWritesOptions, write: NotedWrite): Lost {
  for (const { id, version } of write.bulk?.saved.slice(0, BULK_RECORDS_ASKED) ?? []) {
    const one = { ...write, id, version }
    const answer = await historyUpTo(requests, one, [one])
    if (mayPass(answer)) return null
    if (answer.outcome === 'found') return lostAmong([one], answer.entries).length > 0 ? [write] : []
  }
  return []
}

/** An import that can't be one is refused by its id where the server knows that, and else by its row. */
async function lostImport({ requests, clock }: NotedWritesOptions, write: NotedWrite): Lost {
  const { options, since = 0 } = write.import ?? {}
  if (elapsedOf(clock) - since > REMEMBERED_MS) return []
  const probe = await requests.importFile(write.type, new Blob([NO_ROW]), {
    mutationId: write.mutationId as string,
    dryRun: true,
    format: 'ndjson',
    ...(options?.key === undefined ? {} : { key: options.key }),
  })
  if (probe.outcome === 'unreachable') return null
  return probe.outcome === 'invalid' ? [write] : []
}

/** What was done to a record that was created and lost is lost with it. */
function named(lost: NotedWrite[], savedInEditor: NotedWritesOptions['savedInEditor']): NotedWrite[] {
  const creation = lost.find(({ what }) => what === 'creation')
  if (!creation) return lost
  const changes: Fields = Object.assign({}, ...lost.map((write) => write.changes), savedInEditor(creation))
  return [{ ...creation, changes }]
}

/** Gives whether all is known. */
export async function findLost(
  noted: NotedWrites,
  options: NotedWritesOptions,
  offer: (save: LostSave) => void,
): Promise<boolean> {
  const person = options.epoch()
  const groups = new Map<string | NotedWrite, NotedWrite[]>()
  for (const write of noted.writes) {
    const key = write.bulk || write.import ? write : JSON.stringify([write.type, write.id])
    groups.set(key, [...(groups.get(key) ?? []), write])
  }
  let isDone = true
  for (const group of groups.values()) {
    const [first] = group as [NotedWrite]
    const find = first.bulk ? lostBulk(options, first) : first.import ? lostImport(options, first) : null
    const found = await (find ?? lostOfRecord(options, group))
    if (person !== options.epoch()) return true
    if (!found) isDone = false
    if (!found || found.length === 0) continue
    noted.writes = noted.writes.filter((write) => !found.includes(write))
    const shown = named(found, options.savedInEditor)
    noted.lost.set([...noted.lost.get(), ...shown])
    for (const save of shown) offer(save)
  }
  return isDone
}

/** On the versions that the records have by now. */
async function saveManyAgain(
  { requests }: NotedWrites,
  { requests: asking, newId }: NotedWritesOptions,
  { type, bulk }: NotedWrite,
) {
  const records: { id: string; clientVersion: number }[] = []
  const { saved, options } = bulk as NonNullable<typeof bulk>
  for (let start = 0; start < saved.length; start += MOST_ASKED) {
    const asked = saved.slice(start, start + MOST_ASKED).map(({ id }) => ({ type, id, version: 0 }))
    const answer = await asking.versions(asked)
    if (answer.outcome !== 'found') return answer
    for (const { id, version, deleted } of answer.differences)
      if (version !== null && !deleted) records.push({ id, clientVersion: version })
  }
  return requests.saveMany(type, { ...options, records, mutationId: newId() })
}

/** {@link NotedWrites.restore} */
export async function restore(
  noted: NotedWrites,
  options: NotedWritesOptions,
  save: LostSave,
): Promise<{ outcome: string } | null> {
  const write = save as NotedWrite
  const { what, type, mutationId } = write
  if (what === 'save') return null
  const { signal: _, ...importing } = write.import?.options ?? {}
  const outcome = write.import
    ? await noted.requests.importFile(type, write.import.file, importing)
    : write.bulk
      ? await saveManyAgain(noted, options, write)
      : await noted.requests.create(type, save.changes, { mutationId: mutationId as string })
  if (GOOD.includes(outcome.outcome)) noted.dismiss(save)
  return outcome
}
