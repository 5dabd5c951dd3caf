// Declared types with their tables and statements, as one look at the database finds them.
// Invariant: what a permission throws, or a policy hides, is a no. A type some of whose fields not everybody may see is, as it is
// found, the type as nobody in particular sees it: these fields are hidden until it is asked for as somebody sees it.
import { createHash } from 'node:crypto'
import { forAudience } from '../audience/audience.ts'
import { isSeenByPolicies } from '../audience/gone-policies.ts'
import { type FieldRights, fieldRights, hasGuards, nobodysRights } from '../base/field-permissions.ts'
import { isBare } from '../base/hidden-fields.ts'
import type { Logger } from '../base/options.ts'
import type { Action, Actor, PermissionRecord, RecordType } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
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
   * The type as this person sees it: its fields, statements and records without what they may not see. Itself, where every field is
   * everybody's. Permissions see all fields of either's records.
   */
  forActor(actor: Actor): KnownType
  /** The type as those of the audience are asked about: a list's statements leave all other records out. */
  openType: RecordType
  /** Some of its fields are not everybody's to see or to write. */
  isGuarded: boolean
  /** An opaque text: other fields, another text. `null` where every field is everybody's. */
  rights: string | null
  /**
   * The same of a record that is deleted, as it last was: where its table has policies, as they were asked about it before; and where
   * its values are kept no more, those alone who may read all, and nobody where there are policies.
   */
  mayReadDeleted(actor: Actor, record: PermissionRecord): boolean
}

/** All of them. */
export interface KnownTypes {
  byName: Map<string, KnownType>
  /** By `schema.table`. */
  bySource: Map<string, KnownType>
}

/** Views that are kept of one type: of so many kinds of people at a time. */
const MOST_VIEWS = 100

/** Without what is withheld. Those fields are hidden, as fields are that permissions alone see. */
const narrowed = (full: TrackedType, { unseen, unwritable }: FieldRights): TrackedType => {
  const isSeen = (name: string) => !unseen.includes(name)
  const { merge, search, hidden } = full.type
  return {
    ...full,
    type: {
      ...full.type,
      hidden: [...hidden, ...unseen],
      search: search.filter(isSeen),
      merge: typeof merge === 'object' ? { text: merge.text.filter(isSeen) } : merge,
    },
    shownNames: full.shownNames.filter(isSeen),
    changeNames: full.changeNames.filter(isSeen),
    writable: new Set([...full.writable].filter((name) => !unwritable.includes(name))),
  }
}

/** Made of what is seen and may be written, so that it says nothing of the rest. */
const rightsText = ({ shownNames, writable }: TrackedType): string =>
  createHash('sha256')
    .update(JSON.stringify([shownNames, [...writable]]))
    .digest('base64url')
    .slice(0, 12)

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
  const openOf = ({ type }: TrackedType) => (hasSessions ? lookingAtRecords(type) : type)
  const typeOf = (tracked: TrackedType) => forAudience(openOf(tracked), tracked.audience)

  /** The type as one kind of people sees it; whatever isn't about fields is the type's own. */
  const viewOf = (known: KnownType, full: TrackedType, rights: FieldRights): KnownType => {
    const { type, shownNames, changeNames, writable, ...tracked } = narrowed(full, rights)
    const view = { type, shownNames, changeNames, writable, rights: '' }
    view.rights = rightsText({ ...tracked, ...view })
    const sql = recordSql({ ...tracked, ...view }, rights.unseen)
    return {
      ...known,
      ...view,
      type: typeOf({ ...tracked, ...view }),
      openType: openOf({ ...tracked, ...view }),
      sql,
    }
  }

  const viewsOf = (known: KnownType, full: TrackedType): KnownType['forActor'] => {
    if (!hasGuards(full.type)) return () => known
    const views = new Map<string, KnownType>()
    return (actor) => {
      const rights = fieldRights(full.type, actor, log)
      const key = JSON.stringify(rights)
      const view = views.get(key) ?? viewOf(known, full, rights)
      if (views.size >= MOST_VIEWS) views.clear()
      views.set(key, view)
      return view
    }
  }

  for (const full of catalogue.byName.values()) {
    const tracked = hasGuards(full.type) ? narrowed(full, nobodysRights(full.type)) : full
    let precomputes = tracked.isPlain
    const asked = forAudience(tracked.type, tracked.audience)
    const known: KnownType = {
      ...tracked,
      ownTenant,
      type: typeOf(tracked),
      openType: openOf(tracked),
      forActor: (actor) => forActor(actor),
      rights: null,
      isGuarded: hasGuards(full.type),
      sql: recordSql(tracked),
      versions: versionSql(tracked),
      parent: null,
      precomputesChanges: () => precomputes,
      stopPrecomputing: () => {
        precomputes = false
      },
      may: (actor, action, record, parent) => may(asked, actor, action, record, parent),
      mayRead: (actor, record) => isOwn(actor) && may(asked, actor, 'read', record),
      mayReadDeleted: (actor, record) =>
        isOwn(actor) &&
        (!tracked.hasPolicies || isSeenByPolicies(record)) &&
        (!isBare(record) || staticPermission(asked, actor, 'read') === true) &&
        may(asked, actor, 'read', record),
    }
    const forActor = viewsOf(known, full)
    byName.set(tracked.type.name, known)
    bySource.set(tracked.source, known)
  }
  for (const known of byName.values()) {
    const source = known.part?.source ?? ''
    known.parent = bySource.get(source) ?? shared.get(source) ?? null
  }
  return { byName, bySource }
}
