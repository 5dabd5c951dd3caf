// Which records of a bulk edit may be tried, and what to say of the others, with a fixed number of queries.
// Invariant: what is read here decides only who may try and what to say; the UPDATE's own guard decides what is saved.

import type { Knex } from 'knex'
import type { Actor } from '../base/record-type.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { BulkEntry } from '../protocol/bulk-and-import.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantParameter } from './read.ts'
import { CHANGED_SINCE_OF_MANY, TOMBSTONES_OF_MANY } from './save-many-sql.ts'

/** Who edits what. */
export interface BulkAsked {
  known: KnownType
  actor: Actor
  transaction: Knex.Transaction | undefined
}

interface Target {
  id: string
  clientVersion: number
}

/** Records at their editor's version that this person may save, and an entry for each of the rest. */
export interface Judged {
  ready: WireRecord[]
  refused: BulkEntry[]
}

type Stale = Extract<BulkEntry, { outcome: 'stale_record' }>

/** Names what was changed meanwhile, where the log still holds every version. */
const nameChanges = async (database: Database, { known, actor, transaction }: BulkAsked, stale: Stale[]) => {
  const newer = stale.filter((entry) => entry.current_version > entry.client_version)
  if (newer.length === 0) return
  const rows = await database.send(
    CHANGED_SINCE_OF_MANY,
    [
      known.source,
      newer.map(({ id }) => id),
      newer.map(({ client_version }) => client_version),
      newer.map(({ current_version }) => current_version),
      known.tenantColumn ? actor.tenantId : null,
    ],
    transaction,
  )
  const found = new Map(rows.map((row) => [row.id as string, row]))
  for (const entry of newer) {
    const row = found.get(entry.id)
    const isWhole = row?.plain && Number(row.versions) === entry.current_version - entry.client_version
    if (isWhole) entry.changed_fields = known.changeNames.filter((name) => row.names.includes(name))
  }
}

/** What is to be said of records that aren't there: who deleted them, for those who could read them. */
const tombstones = async (
  database: Database,
  { known, actor, transaction }: BulkAsked,
  ids: string[],
): Promise<Map<string, BulkEntry>> => {
  if (ids.length === 0) return new Map()
  const rows = await database.send(
    TOMBSTONES_OF_MANY,
    [known.source, ids, known.tenantColumn ? actor.tenantId : null],
    transaction,
  )
  const entries = new Map<string, BulkEntry>()
  for (const { record_id: id, version, updated_at, updated_by, old_row } of rows) {
    const fields = Object.fromEntries(known.fieldNames.map((name) => [name, old_row?.[name]]))
    const record = { type: known.type.name, id, version: Number(version) - 1, fields }
    if (known.mayRead(actor, record))
      entries.set(id, {
        id,
        outcome: 'deleted',
        version: Number(version),
        updated_at,
        updated_by: normalizedWriter(updated_by),
      })
  }
  return entries
}

/** Looks at every record once. An id that can't be a key is as good as one that isn't there. */
export const judgeMany = async (database: Database, asked: BulkAsked, targets: Target[]): Promise<Judged> => {
  const { known, actor, transaction } = asked
  const ids = targets.map(({ id }) => id).filter((id) => canonicalId(known.key.kind, id) !== null)
  const rows = await database.send(known.sql.readMany, [ids, ...tenantParameter(known, actor)], transaction)
  const records = new Map(rows.map((row) => [row.noclobber_id as string, known.sql.toRecord(row)]))
  const gone = await tombstones(
    database,
    asked,
    ids.filter((id) => !records.has(id)),
  )
  const judged: Judged = { ready: [], refused: [] }
  const stale: Stale[] = []
  for (const { id, clientVersion } of targets) {
    const record = records.get(id)
    if (!record) judged.refused.push(gone.get(id) ?? { id, outcome: 'not_found' })
    else if (!known.mayRead(actor, record)) judged.refused.push({ id, outcome: 'not_found' })
    else if (!known.may(actor, 'update', record)) judged.refused.push({ id, outcome: 'forbidden' })
    else if (record.version === clientVersion) judged.ready.push(record)
    else {
      const { version, updated_at, updated_by } = record
      const entry: Stale = {
        ...{ id, outcome: 'stale_record', client_version: clientVersion, current_version: version },
        ...{ changed_fields: null, updated_at, updated_by, current: record },
      } as Stale
      stale.push(entry)
      judged.refused.push(entry)
    }
  }
  await nameChanges(database, asked, stale)
  return judged
}
