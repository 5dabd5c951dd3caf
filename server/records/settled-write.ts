// What the app's own triggers make of a write: one may write the row again, delete it, or do something else in the write's
// place and return NULL. The answer is the record as it is when all of them have run.
// Invariant: this costs only tables that have such triggers, or foreign keys that cascade. The guard stays in the write.
import type { Knex } from 'knex'
import type { Invalid } from '../base/outcomes.ts'
import { invalidProblem } from '../base/problems.ts'
import { type Row, statement } from '../db/statement.ts'
import type { InvalidProblem } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import type { WriteEvent } from '../tables/reactions.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { type Current, currentOf } from '../tables/version-sql.ts'
import { mutationParameters, type Settle, type WriteOptions } from './idempotency.ts'
import type { Target } from './read.ts'

const HISTORY = statement('select noclobber.epoch() as epoch')

/**
 * Made before a write is sent; to be asked where the write found no row, and the row is there at the version that it was sent for.
 * `true`: the database kept it back. `false`: a restore may have brought that version back meanwhile, and the write is sent again: once
 * where nothing of the table's reacts to such writes, else only in another history than before, for the app's triggers have run.
 */
export const swallowing = (
  database: Pick<Database, 'history' | 'send'>,
  { reactsTo }: KnownType,
  event: WriteEvent,
): (() => Promise<boolean>) => {
  let before = reactsTo.has(event) ? database.history() : null
  return async () => {
    const [row] = before === undefined ? [] : await database.send(HISTORY, [])
    const isSame = before === undefined || before === row?.epoch
    before = row?.epoch
    return isSame
  }
}

/** Nobody else is in the way: the database did something else with the write, or nothing. */
export const SWALLOWED: Invalid & { problem: InvalidProblem } = {
  outcome: 'invalid',
  problem: invalidProblem([
    {
      field: '',
      message: 'The database did not write this: a trigger or a policy of its table kept it back.',
    },
  ]),
}

/** source, id, version: what this transaction did to the record beyond that version. */
const OWN_CHANGE = statement(`
select c.event from noclobber.changes c where c.table_name = $1 and c.record_id = $2 and c.version > $3
  and c.xid = pg_current_xact_id_if_assigned() order by c.version desc limit 1`)

/** The app's triggers that were to run at the end of the transaction run now. */
const RUN_DEFERRED = { name: '', text: 'set constraints all immediate' }

interface Settling {
  event: WriteEvent
  /** The version that the write builds on; 0 of a creation. */
  clientVersion: number
  columns: string[]
  /** Of the request, for a stored response. */
  hash: string
}

/**
 * What a write of a table needs whose triggers may go on with it; `undefined` where none does.
 *
 * @param target `id` is empty where the database makes it.
 */
export const settling = (
  database: Database,
  target: Target,
  options: WriteOptions,
  { event, clientVersion, columns, hash }: Settling,
): Settle | undefined => {
  const { known, actor } = target
  if (!known.reactsTo.has(event)) return undefined
  const tenant = tenantParameter(known, actor)

  /** In a caller's transaction the record may have been changed before, by the same transaction. */
  const isStale = async (transaction: Knex.Transaction) => {
    if (!options.transaction || event === 'insert') return false
    const [row] = await database.send(known.versions.readVersions, [[target.id], ...tenant], transaction)
    return Number(row?.noclobber_version) !== clientVersion
  }

  const storeAnswer = async (transaction: Knex.Transaction, id: string, isStored: boolean) => {
    if (options.mutationId === undefined) return
    const values = [id, ...tenant, ...mutationParameters(options, hash)]
    await database.send(known.sql.storeResponse(columns, isStored), values, transaction)
  }

  return async (transaction, sendIt) => {
    if (await isStale(transaction)) return []
    const rows = await sendIt()
    if (!Array.isArray(rows)) return rows
    if (known.reactsLate && !options.transaction) await database.send(RUN_DEFERRED, [], transaction)
    const [written] = rows
    if (written && event === 'delete') return rows
    const id: string = written?.noclobber_id ?? target.id
    if (id === '') return []
    if (!written) {
      const [own] = await database.send(OWN_CHANGE, [known.source, id, clientVersion], transaction)
      if (!own || (own.event === 'deleted' && event !== 'delete')) return []
    }
    const [row] = await database.send(known.sql.read, [id, ...tenant], transaction)
    if (event === 'delete') {
      await storeAnswer(transaction, id, false)
      return [{ noclobber_id: id }]
    }
    if (!row) return []
    if (!written || row.noclobber_version !== written.noclobber_version)
      await storeAnswer(transaction, id, written !== undefined)
    return [row satisfies Row]
  }
}

/** source, ids, versions: those that this transaction changed beyond the version, and did not delete. */
const OWN_CHANGES = statement(`
select w.id from unnest($2::text[], $3::bigint[]) w(id, version), lateral (
  select c.event from noclobber.changes c where c.table_name = $1 and c.record_id = w.id and c.version > w.version
    and c.xid = pg_current_xact_id_if_assigned() order by c.version desc limit 1) c
where c.event <> 'deleted'`)

/** Of these records those that a trigger of this transaction wrote in the place of a statement, beyond the version. */
export const writtenInPlace = async (
  database: Database,
  { known, transaction }: Pick<Target, 'known'> & { transaction: Knex.Transaction },
  targets: { id: string; version: number }[],
): Promise<Set<string>> => {
  if (targets.length === 0) return new Set()
  const values = [targets.map(({ id }) => id), targets.map(({ version }) => version)]
  const rows = await database.send(OWN_CHANGES, [known.source, ...values], transaction)
  return new Set(rows.map(({ id }) => id as string))
}

/**
 * The versions of a bulk edit's records when the table's triggers have run, of those that were written: by the edit, or by a
 * trigger in its place.
 *
 * @param rows What the statement wrote.
 */
export const settledVersions = async (
  database: Database,
  { known, actor, transaction }: Omit<Target, 'id'> & { transaction: Knex.Transaction },
  targets: { id: string; version: number }[],
  rows: Row[],
): Promise<Map<string, Current>> => {
  const written = new Set<string>(rows.map((row) => row.noclobber_id))
  const others = targets.filter(({ id }) => !written.has(id))
  const ids = new Set([...written, ...(await writtenInPlace(database, { known, transaction }, others))])
  const tenant = tenantParameter(known, actor)
  const found = await database.send(known.versions.readVersions, [[...ids], ...tenant], transaction)
  return new Map(found.map((row) => [row.noclobber_id as string, currentOf(row)]))
}
