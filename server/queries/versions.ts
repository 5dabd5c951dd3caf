// Many versions at once: what a client that polls, or comes back from a pause, asks for all that it holds.
// Invariant: one query a type, and only differences are answered; what may not be read looks like what isn't there.

import { addTo } from '../base/groups.ts'
import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { RecordAddress, WireRecord, WireVersionDifference } from '../protocol/index.ts'
import { authorizeByIds } from '../records/authorization-rows.ts'
import { readTombstones, type Tombstone } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { currentOf } from '../tables/version-sql.ts'

/** A record, and the version of it that the client holds; and with which rights to its fields, if it says so. */
export type HeldVersion = RecordAddress & { version: number; rights?: string }

const nothing = ({ type, id }: RecordAddress): WireVersionDifference => ({
  type,
  id,
  version: null,
  updated_at: null,
  updated_by: null,
  deleted: false,
})

/** By canonical id: each entry that names the record, in whichever spelling and at whichever version. */
type Held = Map<string, HeldVersion[]>

/** Read with other rights it is to be read again, whatever its version. */
const isOfRights = ({ rights: now }: KnownType, { rights }: HeldVersion): boolean =>
  rights === undefined || rights === now

/** Entries that differ among themselves: one of them differs from whatever there is. No record has version 0. */
const askedVersion = (known: KnownType, entries: HeldVersion[]): number => {
  const [first] = entries as [HeldVersion]
  return entries.every((entry) => entry.version === first.version && isOfRights(known, entry))
    ? first.version
    : 0
}

/** The version at which a record is that is held at another; `null`: it isn't there. */
type Found = Pick<WireRecord, 'version' | 'updated_at' | 'updated_by'> | null

/** Who may read every record of the type is asked about none: the rows that differ are all that is read. */
const readDifferent = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  held: Held,
): Promise<Map<string, Found>> => {
  const ids = [...held.keys()]
  const versions = Array.from(held.values(), (entries) => askedVersion(known, entries))
  const rows = await database.send(known.versions.readDifferent, [
    // As the array's own text where nothing in it needs quoting: the driver looks at each entry otherwise.
    known.key.kind === 'text' || typeof known.key.kind !== 'string' ? ids : `{${ids.join()}}`,
    `{${versions.join()}}`,
    ...tenantParameter(known, actor),
  ])
  return new Map(
    rows.map((row) => {
      const { noclobber_id: id, noclobber_version: version } = row
      return [id, version === null ? null : currentOf(row)]
    }),
  )
}

/** Where permission depends on the record, each is authorized by its row. */
const authorizeEach = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  held: Held,
): Promise<{ found: Map<string, Found>; hidden: string[] }> => {
  const found = new Map<string, Found>(Array.from(held.keys(), (id) => [id, null]))
  const hidden: string[] = []
  for (const { record, allowed } of (
    await authorizeByIds(database, known, actor, [...held.keys()])
  ).values()) {
    const isReadable = allowed.includes('read')
    if (!isReadable) hidden.push(record.id)
    if (!isReadable || askedVersion(known, held.get(record.id) ?? []) === record.version)
      found.delete(record.id)
    else found.set(record.id, record)
  }
  return { found, hidden }
}

const differencesOf = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  held: Held,
): Promise<WireVersionDifference[]> => {
  const verdict = staticPermission(known.type, actor, 'read')
  if (verdict === false) return [...held.values()].flat().map(nothing)
  const { found, hidden } = verdict
    ? { found: await readDifferent(database, known, actor, held), hidden: [] }
    : await authorizeEach(database, known, actor, held)
  const missing = [...found].filter(([, now]) => now === null).map(([id]) => id)
  const tombstones =
    missing.length > 0
      ? await readTombstones(database, { known, actor, transaction: undefined }, missing)
      : new Map<string, Tombstone>()
  const ofEntry = (entry: HeldVersion, now: Found, tombstone?: Tombstone): WireVersionDifference => {
    const { type, id } = entry
    if (now) {
      const { version, updated_at, updated_by } = now
      const { rights } = known
      return { type, id, version, updated_at, updated_by, deleted: false, ...(rights !== null && { rights }) }
    }
    if (!tombstone) return nothing(entry)
    const { version, updatedAt, updatedBy } = tombstone
    return { type, id, version, updated_at: updatedAt, updated_by: updatedBy, deleted: true }
  }
  const differences = hidden.flatMap((id) => (held.get(id) ?? []).map(nothing))
  for (const [id, now] of found)
    for (const entry of held.get(id) ?? [])
      if (entry.version !== now?.version || !isOfRights(known, entry))
        differences.push(ofEntry(entry, now, tombstones.get(id)))
  return differences
}

/** Those that differ from what the client holds, are gone, or may not be read. */
export const versionDifferences = async (
  shared: Database,
  actor: Actor,
  held: HeldVersion[],
): Promise<WireVersionDifference[]> => {
  const database = shared.forActor(actor)
  await database.ready(undefined, actor.tenantId)
  const differences: WireVersionDifference[] = []
  const byType = new Map<KnownType, Held>()
  for (const entry of held) {
    const known = database.typeOf(entry.type, actor.tenantId)?.forActor(actor)
    const id = known && canonicalId(known.key.kind, entry.id)
    if (!known || id === null || id === undefined) {
      differences.push(nothing(entry))
      continue
    }
    const ids = byType.get(known) ?? new Map<string, HeldVersion[]>()
    byType.set(known, ids)
    addTo(ids, id, entry)
  }
  for (const [known, entries] of byType)
    differences.push(...(await differencesOf(database, known, actor, entries)))
  return differences
}
