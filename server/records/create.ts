// Creating a record.
// Invariant: the tenant is the actor's, the version is the trigger's, and a replay creates nothing a second time.
// Permission is checked against the values that will be stored, never by what was sent.

import type { CreateOutcome, Forbidden } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { Database } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { writerContext } from '../tables/writer-context.ts'
import { firstResponse } from './first-response.ts'
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
import { SWALLOWED, settling } from './settled-write.ts'
import { ruleErrors, validateFields } from './validate.ts'

/** What {@link RecordServer.create} takes. */
export interface CreateOptions<A extends Actor = Actor> extends WriteOptions<A> {
  fields: Record<string, unknown>
  /** A key made by the client, for uuid and text keys. */
  id?: string | undefined
}

const FORBIDDEN: Forbidden = { outcome: 'forbidden', problem: problem('forbidden') }
const ID_REFUSED = 'is made by the database for this type'

/** Creates a record in the actor's tenant. */
export const createRecord = async (
  shared: Database,
  type: string,
  options: CreateOptions,
): Promise<CreateOutcome> => {
  const database = shared.forActor(options.actor)
  const known = await database.typeFor(type, options.transaction, options.actor.tenantId)
  if (!known) return MISSING
  const { actor } = options
  const valid = await validateFields(known, options.fields, { actor, action: 'create' })
  const errors = valid.ok ? [] : valid.errors
  const id = options.id === undefined ? undefined : canonicalId(known.key.kind, options.id)
  if (id === null) errors.push({ field: known.key.name, message: 'is not an id of this type' })
  else if (id !== undefined && known.key.kind.startsWith('int'))
    errors.push({ field: known.key.name, message: ID_REFUSED })
  if (!valid.ok || errors.length > 0) return { outcome: 'invalid', problem: invalidProblem(errors) }
  const draft = { type, id: '', version: 0, fields: valid.values }
  const isAsking = asksParents(known, actor, 'create')
  if (!isAsking && !known.type.can(actor, 'create', draft)) return FORBIDDEN

  const broken = await ruleErrors(known, valid.values)
  if (broken.length > 0) return { outcome: 'invalid', problem: invalidProblem(broken) }
  const values = id ? { ...valid.values, [known.key.name]: id } : valid.values
  const columns = Object.keys(values).sort()
  const hash = options.mutationId ? requestHash('create', type, id ?? '', options.fields) : ''
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
      ? async (transaction) => {
          const verdict = await authorizeNewPart(
            database,
            { known, actor, transaction, isLocking: true },
            draft,
          )
          if (verdict === 'no parent') return parentMissing(known)
          return verdict === 'forbidden' ? FORBIDDEN : verdict
        }
      : undefined,
    settle: settling(database, { known, actor, id: id ?? '', transaction: options.transaction }, options, {
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
  const kept = await storedResponse(database, options, hash)
  if (kept?.outcome === 'stored') {
    const target = { known, actor, id: kept.answer.noclobber_id, transaction: options.transaction }
    const record = (await firstResponse(database, target, kept.answer)) ?? (await readRow(database, target))
    return record &&
      (record.version === Number(kept.answer.noclobber_version) || known.mayRead(actor, record))
      ? { outcome: 'created', record, replayed: true }
      : MISSING
  }
  if (kept) return kept
  if (written.outcome === 'invalid' || written.outcome === 'forbidden') return written
  if (written.outcome !== 'written') return MISSING
  const isOrphan =
    !written.isSent ||
    !(await isParentThere(database, { known, actor, transaction: options.transaction }, values))
  return isOrphan ? parentMissing(known) : SWALLOWED
}
