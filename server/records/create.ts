// Creating a record.
// Invariant: the tenant is the actor's, the version is the trigger's, and a replay creates nothing a second time.
// Permission is checked against the values that will be stored, never by what was sent.

import type { CreateOutcome, Forbidden } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { exactNumber } from '../db/exact-number.ts'
import type { FieldError } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId, type PartKind, partsOfId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { writerContext } from '../tables/writer-context.ts'
import {
  mutationParameters,
  parametersOf,
  requestHash,
  sendWrite,
  storedResponse,
  type WriteOptions,
} from './idempotency.ts'
import { asksParents, authorizeNewPart, isParentThere, parentMissing } from './parents.ts'
import { readRow } from './read.ts'
import { firstResponse } from './refused-write.ts'
import { SWALLOWED, settling } from './settled-write.ts'
import { placementErrors, ruleErrors, validateFields } from './validate.ts'

// The id that is sent for a new record is values of the key's columns. Nobody chooses what the database numbers, nor another tenant;
// fields that a creation names besides say the same.

export interface SentId {
  /** In its canonical form. */
  id: string
  /** By the key's columns, without the tenant's. */
  values: Record<string, unknown>
  /** Those that are declared fields. */
  fields: Record<string, unknown>
}

const NOTHING: SentId = { id: '', values: {}, fields: {} }

/** What an id sets; nothing where none is sent. */
export const sentId = (
  { key, tenantColumn }: KnownType,
  { tenantId }: Actor,
  asked: unknown,
): SentId | FieldError => {
  if (asked === undefined) return NOTHING
  const { names, kind, field, creatable } = key
  const id = canonicalId(kind, asked)
  if (id === null) return { field, message: 'is not an id of this type' }
  if (key.isMade) return { field, message: 'is made by the database for this type' }
  if (typeof kind === 'string') return { id, values: { [names[0] as string]: id }, fields: {} }
  const sent: SentId = { id, values: {}, fields: {} }
  for (const [at, part] of partsOfId(id).entries()) {
    const name = names[at] as string
    const value = (kind[at] as PartKind).startsWith('int') ? exactNumber(part) : part
    if (name !== tenantColumn) sent.values[name] = value
    else if (part !== tenantId) return { field, message: 'names another tenant' }
    if (creatable.has(name)) sent.fields[name] = value
  }
  return sent
}

/** The fields that say something else than the id that is sent with them. */
export const otherThanId = ({ fields }: SentId, values: Record<string, unknown>): FieldError[] =>
  Object.entries(fields).flatMap(([field, value]) =>
    String(values[field]) === String(value) ? [] : [{ field, message: 'is not what the id says' }],
  )

/** What {@link RecordServer.create} takes. */
export interface CreateOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** Values by field; columns left out get the database's defaults. */
  fields: Record<string, unknown>
  /** A key made by the client, for uuid and text keys, and for keys of several columns that the database doesn't number. */
  id?: string | undefined
}

const FORBIDDEN: Forbidden = { outcome: 'forbidden', problem: problem('forbidden') }

/** By what the new part's parent says of it, while that is locked. */
const authorizePart = async (
  database: Database,
  asking: Parameters<typeof authorizeNewPart>[1],
  draft: Parameters<typeof authorizeNewPart>[2],
  values: Record<string, unknown>,
) => {
  const verdict = await authorizeNewPart(database, asking, draft, values)
  if (verdict === 'no parent') return parentMissing(asking.known)
  return verdict === 'forbidden' ? FORBIDDEN : verdict
}

/** What an earlier request of this mutation id got, as its person may see it now; `null`: there was none. */
const createdBefore = async (
  database: Database,
  { known, actor }: { known: KnownType; actor: Actor },
  options: CreateOptions,
  hash: string,
): Promise<CreateOutcome | null> => {
  const kept = await storedResponse(database, options, hash)
  if (kept?.outcome !== 'stored') return kept
  const target = { known, actor, id: kept.answer.noclobber_id, transaction: options.transaction }
  const record = (await firstResponse(database, target, kept.answer)) ?? (await readRow(database, target))
  return record && (record.version === Number(kept.answer.noclobber_version) || known.mayRead(actor, record))
    ? { outcome: 'created', record, replayed: true }
    : MISSING
}

/** Creates a record in the actor's tenant. */
export const createRecord = async (
  shared: Database,
  type: string,
  options: CreateOptions,
): Promise<CreateOutcome> => {
  const database = shared.forActor(options.actor)
  const known = await database.typeFor(type, options.transaction, options.actor)
  if (!known) return MISSING
  const { actor } = options
  const sent = sentId(known, actor, options.id)
  const key = 'message' in sent ? null : sent
  const fields = { ...key?.fields, ...options.fields }
  const valid = await validateFields(known, fields, { actor, action: 'create' })
  const errors = valid.ok ? [] : valid.errors
  if ('message' in sent) errors.push(sent)
  else if (valid.ok) errors.push(...otherThanId(sent, valid.values))
  if (!valid.ok || !key || errors.length > 0) return { outcome: 'invalid', problem: invalidProblem(errors) }
  const draft = { type, id: '', version: 0, fields: valid.values }
  const isAsking = asksParents(known, actor, 'create')
  if (!isAsking && !known.type.can(actor, 'create', draft)) return FORBIDDEN

  const broken = [
    ...(await placementErrors(database, { known, actor, transaction: options.transaction }, valid.values)),
    ...(await ruleErrors(known, valid.values)),
  ]
  if (broken.length > 0) return { outcome: 'invalid', problem: invalidProblem(broken) }
  const { id } = key
  const values = { ...valid.values, ...key.values }
  const columns = Object.keys(values).sort()
  const hash = options.mutationId ? requestHash('create', type, id, options.fields) : ''
  const isSince = database.recordCache.mark()
  const written = await sendWrite(database, known, options, {
    query: known.sql.insert(columns, options.mutationId !== undefined),
    values: [
      writerContext(database.signing, options),
      ...(known.tenantColumn ? [actor.tenantId] : []),
      ...parametersOf(known, columns, values),
      ...mutationParameters(options, hash),
    ],
    columns,
    authorize: isAsking
      ? (transaction) =>
          authorizePart(database, { known, actor, transaction, isLocking: true }, draft, values)
      : undefined,
    settle: settling(database, { known, actor, id, transaction: options.transaction }, options, {
      event: 'insert',
      clientVersion: 0,
      columns,
      hash,
    }),
  })
  const row = written.outcome === 'written' ? written.rows[0] : undefined
  if (row) {
    const record = known.sql.toRecord(row)
    if (!options.transaction) database.recordCache.put(tenantOf(known, actor), record, isSince)
    return { outcome: 'created', record }
  }
  const before = await createdBefore(database, { known, actor }, options, hash)
  if (before) return before
  if (written.outcome === 'invalid' || written.outcome === 'forbidden') return written
  if (written.outcome !== 'written') return MISSING
  const isOrphan =
    !written.isSent ||
    !(await isParentThere(database, { known, actor, transaction: options.transaction }, values))
  return isOrphan ? parentMissing(known) : SWALLOWED
}
