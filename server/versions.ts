// Many versions at once: what a client that polls, or comes back from a pause, asks for all that it holds.
// Invariant: one query a type, and only differences are answered; what may not be read looks like what isn't there.
import type { Database, KnownType } from './db/database.ts'
import { canonicalId } from './db/identity.ts'
import { refuse } from './errors.ts'
import type { Body } from './parameters.ts'
import type { RecordAddress, WireVersionDifference } from './protocol.ts'
import { readTombstone, tenantOf, tenantParameter } from './read.ts'
import type { Actor } from './record-type.ts'

/** The most records that one request may ask for. */
export const MAX_VERSIONS = 500

/** A record, and the version of it that the client holds. */
export type HeldVersion = RecordAddress & { version: number }

/** The `records` of the body, each with type, id and version. */
export const heldVersionsOf = (body: Body): HeldVersion[] => {
  const { records } = body
  if (!Array.isArray(records)) return refuse('malformed', 'records must be a list of {type, id, version}.')
  if (records.length > MAX_VERSIONS)
    return refuse('malformed', `records may hold ${MAX_VERSIONS} entries at most.`)
  for (const held of records as Partial<HeldVersion>[]) {
    const fits =
      typeof held === 'object' &&
      held !== null &&
      typeof held.type === 'string' &&
      typeof held.id === 'string' &&
      Number.isSafeInteger(held.version)
    if (!fits) return refuse('malformed', 'Each entry of records needs a type, an id and a version.')
  }
  return records
}

const nothing = ({ type, id }: RecordAddress): WireVersionDifference => ({
  type,
  id,
  version: null,
  updated_at: null,
  updated_by: null,
  deleted: false,
})

/** Those that differ from what the client holds, are gone, or may not be read. */
export const versionDifferences = async <A extends Actor>(
  database: Database<A>,
  actor: A,
  held: HeldVersion[],
): Promise<WireVersionDifference[]> => {
  await database.ready()
  const differences: WireVersionDifference[] = []
  const byType = new Map<KnownType<A>, Map<string, HeldVersion>>()
  for (const entry of held) {
    const known = database.typeOf(entry.type)
    const id = known && canonicalId(known.key.kind, entry.id)
    if (!known || id === null || id === undefined) {
      differences.push(nothing(entry))
      continue
    }
    const ids = byType.get(known) ?? new Map<string, HeldVersion>()
    byType.set(known, ids.set(id, entry))
  }
  for (const [known, entries] of byType) {
    const rows = await database.send(known.sql.readMany, [
      [...entries.keys()],
      ...tenantParameter(known as never, actor),
    ])
    const records = new Map(rows.map((row) => [row.noclobber_id as string, known.sql.toRecord(row)]))
    for (const record of records.values()) database.seen.put(tenantOf(known as never, actor), record)
    for (const [id, entry] of entries) {
      const record = records.get(id)
      if (!record) {
        const grave = await readTombstone(database, { known, actor, id, transaction: undefined })
        differences.push(
          grave
            ? {
                type: entry.type,
                id: entry.id,
                version: grave.version,
                updated_at: grave.updatedAt,
                updated_by: grave.updatedBy,
                deleted: true,
              }
            : nothing(entry),
        )
      } else if (!known.mayRead(actor, record)) differences.push(nothing(entry))
      else if (record.version !== entry.version) {
        const { version, updated_at, updated_by } = record
        differences.push({ type: entry.type, id: entry.id, version, updated_at, updated_by, deleted: false })
      }
    }
  }
  return differences
}
