// The guarded save. Alice and Bob both load version 7 of a record. Bob saves: the row is at 7, so it becomes 8. Alice
// saves what she built on 7: no row is at 7 any more, nothing is written, and she gets all she needs to resolve it.
// Invariant: the guard decides inside one UPDATE. What is read before it decides only who may try; what is read after
// a refusal decides only what to say.

import type { Knex } from 'knex'
import type { Conflict, SaveOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem, Refusal } from '../base/problems.ts'
import { type Action, type Actor, mergedTextFields } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { Row } from '../db/statement.ts'
import type { FieldError, WireRecord, Writer } from '../protocol/index.ts'
import { mergeTexts } from '../protocol/text-merge.ts'
import type { Database, KnownType } from '../tables/database.ts'
import type { IsStill } from '../tables/record-cache.ts'
import { guardParameters, tenantOf, tenantParameter } from '../tables/tenant.ts'
import { canPrecompute, savingContext, writerContext } from '../tables/writer-context.ts'
import { deliverOnSave } from './deliver-on-save.ts'
import {
  mutationParameters,
  parametersOf,
  requestHash,
  type Settle,
  sendWrite,
  type WriteOptions,
  type WriteVerdict,
  type Written,
} from './idempotency.ts'
import { areParentsThere, asksParents, parentMissing, readAuthorizedParts } from './parents.ts'
import { goneOrMissing, readRow, type Target, targetOf } from './read.ts'
import { conflictOf, replayOf, whyRefused } from './refused-write.ts'
import { SWALLOWED, settling, swallowing } from './settled-write.ts'
import { sameness } from './since-version.ts'
import { commonJson, type StoredJson } from './stored-json.ts'
import { ruleErrorsOfUpdate, validateFields } from './validate.ts'

/** What {@link RecordServer.save} takes. */
export interface SaveOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** The version that the editor loaded. */
  clientVersion: number
  /** New values by field; fields that aren't named stay as they are. */
  changes: Record<string, unknown>
  /** Default `reject`. `merge` passes where nobody else changed the same fields, if the type allows it. */
  onStale?: 'reject' | 'merge' | undefined
  /** The texts that the changes were made in: see `merge` of the type. */
  base?: Record<string, unknown> | undefined
  /** The version came as `If-Match`: a stale save is 412 instead of 409. */
  byHeader?: boolean | undefined
  /** @internal Of a save that does more than save. */
  extended?: ExtendedSave | undefined
}

/** What a restore, or accepting a proposal, does besides. */
interface ExtendedSave {
  /** What its mutation id is bound to. */
  hash: string
  /** JSON of the new values by field, where it has numbers that JavaScript can't hold. */
  json?: StoredJson
  /** Done behind the write, in its transaction; what it throws undoes the write. */
  also(transaction: Knex.Transaction, row: Row): Promise<void>
}

/** How often a merge follows a record that goes on changing. */
const MAX_ATTEMPTS = 10
/** How often a stale save is compared with a record that goes on changing. */
const MAX_LOOKS = 3
const NONE_BROKEN: FieldError[] = []

/**
 * Authorizes without reading where that can be: without the record, or by its version that this node has just seen, for as
 * long as `isStill` holds. `null`: it must be read.
 */
export const permittedUnread = (
  database: Database,
  { known, actor, id, transaction }: Target,
  action: 'update' | 'delete',
  clientVersion: number,
): { isStill?: IsStill } | null => {
  // It is authorized with its parent right before it is written.
  if (asksParents(known, actor, action)) return {}
  const unseen = (asked: Action) => staticPermission(known.type, actor, asked, known.part !== null) === true
  if (unseen('read') && unseen(action)) return {}
  if (transaction) return null
  const isStill = database.recordCache.mark()
  const seen = database.recordCache.get(tenantOf(known, actor), known.type.name, id, clientVersion)
  const may = seen && known.type.can(actor, 'read', seen) && known.type.can(actor, action, seen)
  return may ? { isStill } : null
}

/**
 * Authorizes a part, if this person's permission depends on what it is part of, right before it is written. What doesn't pass is
 * as a guard that doesn't pass: `whyRefused` says why.
 */
export const authorizeParents = (
  database: Database,
  { known, actor, id }: Target,
  action: 'update' | 'delete',
  { clientVersion, values = {} }: { clientVersion: number; values?: Record<string, unknown> },
): ((transaction: Knex.Transaction) => Promise<WriteVerdict>) | undefined => {
  if (!asksParents(known, actor, action)) return undefined
  return async (transaction) => {
    const asking = { known, actor, transaction, isLocking: true }
    const authorized = await readAuthorizedParts(database, asking, { action, ids: [id], values })
    const part = authorized.parts.get(id)
    if (part?.version !== clientVersion || !part.isReadable) return 'changed'
    if (!part.isAllowed) return { outcome: 'forbidden', problem: problem('forbidden') }
    return authorized.isParentMissing ? parentMissing(known) : 'allowed'
  }
}

const withMore =
  ({ also }: ExtendedSave, settle: Settle | undefined): Settle =>
  async (transaction, sendIt) => {
    const rows = await (settle ? settle(transaction, sendIt) : sendIt())
    if (Array.isArray(rows) && rows[0]) await also(transaction, rows[0])
    return rows
  }

/** Saves changes of a record if it is still at the editor's version. */
export const saveRecord = async (
  shared: Database,
  type: string,
  id: string,
  options: SaveOptions,
): Promise<SaveOutcome> => {
  const database = shared.forActor(options.actor)
  const { actor, transaction, extended } = options
  const target = await targetOf(database, { type, id, actor, transaction })
  if (!target) return MISSING
  const { known } = target
  const writing = { actor, action: 'update' as const }
  let valid = await validateFields(known, options.changes, writing)
  const hash =
    options.mutationId && valid.ok && !extended
      ? requestHash('save', type, target.id, options.clientVersion, options.changes)
      : (extended?.hash ?? '')
  const replay = async () => (valid.ok ? replayOf(database, target, options, hash) : null)
  const texts: Record<string, string> = {}
  let clientVersion = options.clientVersion
  let mergedFields: string[] | undefined
  let mergedBy: Writer | null = null
  let wasSent = false
  const isSwallowed = swallowing(database, known, 'update')
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const isFirst = attempt === 0 && valid.ok && Object.keys(valid.values).length > 0
    const permitted = isFirst ? permittedUnread(database, target, 'update', clientVersion) : null
    const asked = { clientVersion, byHeader: options.byHeader }
    const refused = permitted ? null : await whyRefused(database, target, 'update', asked)
    if (refused) {
      const replayed = refused.outcome === 'missing' ? null : await replay()
      if (replayed) return replayed
      if (refused.outcome !== 'conflict' || !valid.ok) return refused
      const merged = mergedChanges(known, options, refused)
      if (!merged) {
        const same = await savedAlready(database, target, { ...options, hash }, refused, valid.values)
        if (same === 'stored') return (await replay()) ?? MISSING
        // On a record that goes on changing it is stale, whatever it has by now.
        if (same === 'moved' && attempt < MAX_LOOKS) continue
        return same && same !== 'moved' ? { outcome: 'saved', record: same } : refused
      }
      valid = await validateFields(known, { ...options.changes, ...texts, ...merged }, writing)
      Object.assign(texts, merged)
      mergedBy = refused.problem.updated_by
      clientVersion = refused.problem.current_version
      mergedFields = [...new Set([...(mergedFields ?? []), ...(refused.problem.changed_fields ?? [])])]
    }
    if (!valid.ok) return { outcome: 'invalid', problem: invalidProblem(valid.errors) }
    if (Object.keys(valid.values).length === 0) return unchanged(database, target, options)
    if (attempt > 0 && !(await areParentsThere(database, target, [target.id], valid.values)))
      return parentMissing(known)
    if (!refused && wasSent && (await isSwallowed())) return SWALLOWED
    const broken =
      known.type.rule || known.audience
        ? await ruleErrorsOfUpdate(database, target, clientVersion, valid.values)
        : NONE_BROKEN
    if (broken.length > 0) return (await replay()) ?? { outcome: 'invalid', problem: invalidProblem(broken) }
    const update = { clientVersion, values: valid.values, hash, isStill: permitted?.isStill }
    const written = await sendUpdate(database, target, options, update)
    wasSent = written.outcome === 'written' && written.isSent
    if (written.outcome === 'invalid' || written.outcome === 'forbidden') return written
    if (written.outcome === 'stored') return (await replay()) ?? MISSING
    if (written.outcome === 'written' && written.record)
      return { outcome: 'saved', record: written.record, ...(mergedFields && { mergedFields, mergedBy }) }
  }
  throw new Refusal(problem('unavailable', 'The record changes too fast to save. Try again.'))
}

interface Update {
  clientVersion: number
  values: Record<string, unknown>
  hash: string
  /** For as long as this holds it is authorized. */
  isStill: IsStill | undefined
}

type SentUpdate =
  | Exclude<Written, { outcome: 'written' }>
  | { outcome: 'written'; isSent: boolean; record: WireRecord | null }

/** Sends the guarded UPDATE once. A record that it wrote is delivered, where its change is known whole, and cached. */
const sendUpdate = async (
  database: Database,
  target: Target,
  options: SaveOptions,
  { clientVersion, values, hash, isStill }: Update,
): Promise<SentUpdate> => {
  const { known, actor, id } = target
  const { extended, transaction, tabId, socketId } = options
  const columns = Object.keys(values).sort()
  const isPrecomputed =
    !transaction && !extended && known.precomputesChanges() && canPrecompute(known, { id, columns })
  const reading = extended?.json ? undefined : commonJson(database, target, [id], values)
  const stored = extended?.json ?? (reading && (await reading))
  const settle = settling(database, target, options, { event: 'update', clientVersion, columns, hash })
  const isSince = database.recordCache.mark()
  const written = await sendWrite(database, known, options, {
    query: known.sql.update(columns, options.mutationId !== undefined, isPrecomputed),
    values: [
      isPrecomputed
        ? savingContext(database.signing, options, known, { id, version: clientVersion })
        : writerContext(database.signing, options),
      id,
      clientVersion,
      ...guardParameters(known, actor),
      ...parametersOf(known, columns, values, stored),
      ...mutationParameters(options, hash),
    ],
    columns,
    mayBeOutdated: isPrecomputed,
    isStill,
    authorize: authorizeParents(database, target, 'update', { clientVersion, values }),
    settle: extended ? withMore(extended, settle) : settle,
  })
  if (written.outcome === 'outdated') known.stopPrecomputing()
  if (written.outcome !== 'written') return written
  const [row] = written.rows
  const record = row ? known.sql.toRecord(row) : null
  // A save of before a failover must not hide the new history's change of the same version.
  if (row && record && isPrecomputed && isSince()) {
    const saved = { clientVersion, columns, changeSet: row.noclobber_change_set, tabId, socketId }
    deliverOnSave(database, target, record, saved)
  }
  if (record && !transaction) database.recordCache.put(tenantOf(known, actor), record, isSince)
  return { outcome: 'written', isSent: written.isSent, record }
}

/**
 * The record of a stale save whose values it has already: a retry whose first answer was lost, or two people of one mind. Nothing
 * is written but the answer of a mutation id. `moved`: it has been changed once more.
 */
const savedAlready = async (
  database: Database,
  target: Target,
  options: SaveOptions & { hash: string },
  { problem: { client_version, current_version: version, current } }: Conflict,
  values: Record<string, unknown>,
): Promise<WireRecord | 'moved' | 'stored' | null> => {
  if (version < client_version) return null
  const { known, actor, id } = target
  const { same, moved } = await sameness(database, target, [{ id, version }], values)
  if (moved.has(id)) return 'moved'
  if (!same.has(id)) return null
  if (options.mutationId === undefined) return current
  const stored = await sendWrite(database, known, options, {
    query: known.sql.storeResponseAt(Object.keys(values)),
    values: [id, ...tenantParameter(known, actor), ...mutationParameters(options, options.hash), version],
    columns: [],
  })
  if (stored.outcome === 'stored') return 'stored'
  return stored.outcome === 'written' && stored.rows.length > 0 ? current : 'moved'
}

/** The texts of a merge by field, none where no field overlaps; `null` where it is not allowed or two changes touch. */
const mergedChanges = (
  { type: { merge } }: KnownType,
  { onStale, changes, base = {} }: SaveOptions,
  { problem: { changed_fields, current } }: Conflict,
): Record<string, string> | null => {
  if (!merge || onStale !== 'merge' || changed_fields === null) return null
  const overlapping = changed_fields.filter((name) => Object.hasOwn(changes, name))
  if (!overlapping.every((name) => mergedTextFields(merge).includes(name))) return null
  const merged: Record<string, string> = {}
  for (const name of overlapping) {
    const [original, mine, theirs] = [base[name], changes[name], current.fields[name]]
    if (typeof original !== 'string' || typeof mine !== 'string' || typeof theirs !== 'string') return null
    const text = mergeTexts(original, mine, theirs)
    if (text === null) return null
    merged[name] = text
  }
  return merged
}

const unchanged = async (database: Database, target: Target, options: SaveOptions): Promise<SaveOutcome> => {
  const current = await readRow(database, target)
  if (!current) return goneOrMissing(database, target)
  return current.version === options.clientVersion
    ? { outcome: 'saved', record: current }
    : conflictOf(database, target, options, current)
}
