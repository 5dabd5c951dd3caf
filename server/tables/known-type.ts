// Declared types with their tables and statements, as one look at the database finds them.
// Invariant: what a permission throws, or a policy hides, is a no.
import type { Logger } from '../base/options.ts'
import type { Action, Actor, PermissionRecord, RecordType } from '../base/record-type.ts'
import type { Catalogue, TrackedType } from './catalogue.ts'
import { type RecordSql, recordSql } from './record-sql.ts'
import { lookingAtRecords } from './sessions.ts'
import { type VersionSql, versionSql } from './version-sql.ts'

/** A declared type with its table and its statements. */
export interface KnownType extends TrackedType {
  /** The tenant whose schema its table is in; `null`: the table is shared, by a tenant's column or by all. */
  ownTenant: string | null
  sql: RecordSql
  versions: VersionSql
  /** The declared type whose parts its records are. `null`: they are no parts, or the parent's table is no declared type's. */
  parent: KnownType | null
  /** May a save send its own change set? `isPlain` of the table, until a save finds that a trigger has come to it. */
  precomputesChanges(): boolean
  /** From now on the triggers compare each row themselves. */
  stopPrecomputing(): void
  /** May this person do this? Asked of many records at once, where what a permission throws means no and is logged. */
  may(actor: Actor, action: Action, record: PermissionRecord, parent?: PermissionRecord): boolean
  mayRead(actor: Actor, record: PermissionRecord): boolean
  /**
   * The same of a record that is deleted, as it last was. No policy can be asked of it: where policies alone separate
   * tenants, nobody may.
   */
  mayReadDeleted(actor: Actor, record: PermissionRecord): boolean
}

/** All of them. */
export interface KnownTypes {
  byName: Map<string, KnownType>
  /** By `schema.table`. */
  bySource: Map<string, KnownType>
}

/**
 * @param hasSessions Each person's statements have settings of their own, which policies may read.
 * @param shared What all tenants share, by its source: parents may be there.
 */
export const knownTypes = (
  catalogue: Catalogue,
  {
    log,
    hasSessions,
    ownTenant,
    shared,
  }: { log: Logger; hasSessions: boolean; ownTenant: string | null; shared: Map<string, KnownType> },
): KnownTypes => {
  const may = (
    type: RecordType,
    actor: Actor,
    action: Action,
    record: PermissionRecord,
    parent?: PermissionRecord,
  ) => {
    try {
      return type.can(actor, action, record, parent)
    } catch (error) {
      log.error({ err: error, type: type.name, id: record.id }, 'A permission failed, and was taken as a no.')
      return false
    }
  }
  const isOwn = ({ tenantId }: Actor) => ownTenant === null || ownTenant === tenantId
  const byName = new Map<string, KnownType>()
  const bySource = new Map<string, KnownType>()
  for (const tracked of catalogue.byName.values()) {
    let precomputes = tracked.isPlain
    const known: KnownType = {
      ...tracked,
      ownTenant,
      type: hasSessions ? lookingAtRecords(tracked.type) : tracked.type,
      sql: recordSql(tracked),
      versions: versionSql(tracked),
      parent: null,
      precomputesChanges: () => precomputes,
      stopPrecomputing: () => {
        precomputes = false
      },
      may: (actor, action, record, parent) => may(tracked.type, actor, action, record, parent),
      mayRead: (actor, record) => isOwn(actor) && may(tracked.type, actor, 'read', record),
      mayReadDeleted: (actor, record) =>
        isOwn(actor) &&
        !(hasSessions && tracked.hasPolicies && tracked.tenantColumn === null && ownTenant === null) &&
        may(tracked.type, actor, 'read', record),
    }
    byName.set(tracked.type.name, known)
    bySource.set(tracked.source, known)
  }
  for (const known of byName.values()) {
    const source = known.part?.source ?? ''
    known.parent = bySource.get(source) ?? shared.get(source) ?? null
  }
  return { byName, bySource }
}
