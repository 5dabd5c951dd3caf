// Undoes an import, a part of it at a time, from its last row back: what it created is deleted, what it changed gets the values back
// that it had before. An undoing is undone in the same way, by the id that its changes stand under: what it deleted comes back.
// Invariant: each row is a guarded write of the person who asks, at the version that the import made, so nobody's
// later work is touched, nor deleted with it; a part that is asked for again undoes nothing twice, and answers the same.
import type { Knex } from 'knex'
import { quoteText } from '../../migrations/quote.ts'
import { withValues } from '../base/hidden-fields.ts'
import type { Missing } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { refuse } from '../base/problems.ts'
import { staticPermission } from '../base/static-permission.ts'
import { isRetryable } from '../db/errors.ts'
import { type Row, statement } from '../db/statement.ts'
import { storageError } from '../db/value-codec.ts'
import { undelete } from '../history/undelete.ts'
import type { UndoneRow } from '../protocol/bulk-and-import.ts'
import type { InvalidProblem, Problem } from '../protocol/index.ts'
import { readLogged, textOf, toWire, withTexts } from '../records/history-values.ts'
import type { WriteOptions } from '../records/idempotency.ts'
import { goneOrMissing, readRow, type Target } from '../records/read.ts'
import { removeRecord } from '../records/remove.ts'
import { saveRecord } from '../records/save.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { addedSince } from './added-since.ts'

/** What {@link RecordServer.undoImport} takes. */
export interface UndoImportOptions extends Omit<WriteOptions, 'mutationId' | 'transaction'> {
  /** `import_id` of its answer; with `undo:` before it, of its undoing. */
  importId: string
  /** The `next` of the part before. */
  after?: string | undefined
  /** Rows of this part: 200, at most 500. */
  limit?: number | undefined
}

/** What `undoImport` answers: rows that the caller may not read are left out. `total`: how many the import wrote; `null` where that would reveal others. */
export type UndoImportOutcome =
  | { outcome: 'undone'; rows: UndoneRow[]; next: string | null; total: number | null }
  | Missing

/** Rows of one transaction: beyond 64 savepoints PostgreSQL slows down for everyone. */
const AT_ONCE = 40
/** Rows that one part looks at: those that the caller may not read don't count in it. */
const MOST_LOOKED = 1_000

const FIND = statement(`
select i.first_seq::text as first, i.last_seq::text as last, i.changes,
  coalesce($4::text, (select c.xid::text from noclobber.changes c where c.seq = i.first_seq limit 1)) as xid
from noclobber.imports i where i.import_id = $1 and i.table_name = $2 and i.tenant_id is not distinct from $3`)

/**
 * import, source, xid, first number, last number, rows, what is undone: it, or its undoing. Only of so many changes anything is read: the
 * last number is a bound of the index, where a further parameter that may be null is none.
 */
const PART = statement(`
with part as materialized (
  select c.record_id, c.version, c.seq from noclobber.changes c
  where c.xid = $3::xid8 and c.seq between $4::bigint and $5::bigint and c.table_name = $2 and c.import_id = $1
  order by c.seq desc limit $6)
select c.record_id as id, l.version, c.seq::text as seq, f.event, f.event is not null and not exists (
    select from noclobber.changes l where l.table_name = $2 and l.record_id = c.record_id and l.import_id = $1 and l.version > c.version) as is_last,
  coalesce((select max(b.version) from noclobber.changes b where b.table_name = $2 and b.record_id = c.record_id and b.version < f.version),
    f.version - 1) as before
from part c
left join lateral (select o.version, o.event from noclobber.changes o where o.table_name = $2 and o.record_id = c.record_id and o.import_id = $7
  order by o.version limit 1) f on true
left join lateral (select max(o.version) as version from noclobber.changes o where o.table_name = $2 and o.record_id = c.record_id
  and o.import_id = $7) l on true
order by c.seq desc`)

/** source, id, version, undo: what undoing has made of a record beyond that version. */
const UNDONE = statement(`
select n.version, n.event from noclobber.record_changes n where n.table_name = $1 and n.record_id = $2 and n.version > $3
  and n.import_id = $4 order by n.version desc limit 1`)

/** source, ids, import: what was before, of columns that were changed. */
const BEFORE = (known: KnownType, isRebuilding: boolean) => {
  const texts = `coalesce(p.texts, '{}')`
  const was = (name: string) => textOf(known, name, `p.was->${quoteText(name)}`)
  return statement(`
select p.id, p.was, p.is_whole, ${isRebuilding ? withTexts(known, texts, 'p.was', was) : texts} as texts from (
  select k.id, (select pg_catalog.bool_and(c.changed_values is not null) from noclobber.changes c
      where c.table_name = $1 and c.record_id = k.id and c.import_id = $3) as is_whole,
    pg_catalog.jsonb_object_agg(v.key, v.value) filter (where v.key is not null) as was,
    pg_catalog.jsonb_object_agg(v.key, v.value #>> '{}'::text[]) filter (where v.key is not null) as texts
  from pg_catalog.unnest($2::text[]) k(id) left join lateral (
    select distinct on (e.key) e.key, e.value->0 as value from noclobber.record_changes c, jsonb_each(c.changed_values) e
    where c.table_name = $1 and c.record_id = k.id and c.import_id = $3 order by e.key, c.version) v on true
  group by k.id) p`)
}

/** source, id, version, restored version, undo: names what this transaction did to the record beyond the version. */
const NAME_UNDONE = statement(`
update noclobber.record_changes c set import_id = $5, restored_from = coalesce($4::bigint, c.restored_from)
where c.xid = pg_current_xact_id() and c.table_name = $1 and c.record_id = $2 and c.version > $3`)

const UNDO = 'undo:'
/** So often an undoing may be undone in turn. */
const MOST_TURNS = 20
/** Under which the changes of its undoing stand in the log. */
const undoOf = (importId: string) => `${UNDO}${importId}`

/** The import itself, of an undoing. */
const importOf = (importId: string): string => {
  let base = importId
  for (let turns = 0; base.startsWith(UNDO) && turns < MOST_TURNS; turns += 1) base = base.slice(UNDO.length)
  return base
}

const errorsOf = (refused: Problem) =>
  (refused as Partial<InvalidProblem>).errors ?? [{ field: '', message: refused.detail }]

/** Undoes one row within its savepoint; `null`: it isn't there for this person. */
const undoRow = async (
  database: Database,
  target: Target & { transaction: Knex.Transaction },
  options: UndoImportOptions,
  row: Row,
  before: Row | undefined,
): Promise<UndoneRow | null> => {
  const { known, actor, id, transaction } = target
  const version = Number(row.version)
  const name = (restoredFrom: number | null) =>
    database.send(
      NAME_UNDONE,
      [known.source, id, version, restoredFrom, undoOf(options.importId)],
      transaction,
    )
  const current = await readRow(database, target)
  const isKnown = current
    ? known.type.can(actor, 'read', current)
    : (await goneOrMissing(database, target)).outcome === 'gone'
  if (!isKnown) return null
  const other = async (): Promise<UndoneRow> => {
    const [undone] = await database.send(
      UNDONE,
      [known.source, id, version, undoOf(options.importId)],
      transaction,
    )
    if (undone?.event === 'deleted') return { id, outcome: 'removed' }
    if (undone) return { id, outcome: 'restored', version: Number(undone.version) }
    const now = await readRow(database, target)
    return now ? { id, outcome: 'stale_record', current_version: now.version } : { id, outcome: 'deleted' }
  }
  const { importId: _, after: _after, limit: _limit, ...writing } = options
  const type = known.type.name
  if (row.event === 'deleted') {
    if (current) return other()
    const back = await undelete(database, target, { ...writing, clientVersion: version, transaction })
    if (back.outcome === 'saved') {
      await name(null)
      return { id, outcome: 'restored', version: back.record.version }
    }
    if (back.outcome === 'invalid') return { id, outcome: 'invalid', errors: errorsOf(back.problem) }
    if (back.outcome === 'unknown') return { id, outcome: 'no_values' }
    return back.outcome === 'forbidden' ? { id, outcome: 'forbidden' } : other()
  }
  if (current?.version !== version) return other()
  if (row.event === 'created') {
    const removed = await removeRecord(database, type, id, {
      ...writing,
      clientVersion: version,
      transaction,
    })
    if (removed.outcome === 'removed') {
      await name(null)
      return { id, outcome: 'removed' }
    }
    if (removed.outcome === 'invalid') return { id, outcome: 'invalid', errors: errorsOf(removed.problem) }
    return removed.outcome === 'forbidden' ? { id, outcome: 'forbidden' } : other()
  }
  if (!before?.is_whole || !before.was || known.type.history !== 'values') return { id, outcome: 'no_values' }
  const fields: Record<string, unknown> = Object.create(null)
  const json = new Map<string, string>()
  for (const field of known.fieldNames) {
    const column = known.names.columnOf(field)
    if (!Object.hasOwn(before.was, column)) continue
    const text = before.texts?.[column] ?? null
    fields[field] = toWire(known, field, before.was[column], text)
    if (/^jsonb?$/.test(known.columns.get(field)?.type ?? '') && text !== null) json.set(field, text)
  }
  if (!known.mayRead(actor, withValues(current, fields))) return { id, outcome: 'forbidden' }
  const changes = Object.fromEntries(Object.entries(fields).filter(([field]) => known.writable.has(field)))
  const saved = await saveRecord(database, type, id, {
    ...writing,
    clientVersion: version,
    changes,
    transaction,
    extended: { hash: '', json, also: async () => void (await name(Number(row.before))) },
  })
  if (saved.outcome === 'saved') return { id, outcome: 'restored', version: saved.record.version }
  if (saved.outcome === 'invalid') return { id, outcome: 'invalid', errors: errorsOf(saved.problem) }
  return saved.outcome === 'forbidden' ? { id, outcome: 'forbidden' } : other()
}

/** What a savepoint is rolled back by: the row's outcome stays. */
class RowRefused extends Error {
  readonly row: UndoneRow
  constructor(row: UndoneRow) {
    super('A row was not undone.')
    this.name = 'RowRefused'
    this.row = row
  }
}

/** Values that were read have been erased since. */
class ErasedMeanwhile extends Error {
  constructor() {
    super('Values were erased meanwhile.')
    this.name = 'ErasedMeanwhile'
  }
}

const isDone = ({ outcome }: UndoneRow) => outcome === 'removed' || outcome === 'restored'

/** Undoes some rows in one transaction, again after a deadlock, or where values were erased that it has written. */
const undoRows = async (
  database: Database,
  known: KnownType,
  options: UndoImportOptions,
  { rows, xid }: { rows: Row[]; xid: string },
  retries = database.limits.writeRetries,
): Promise<UndoneRow[]> => {
  const ids = rows.map(({ id }) => id)
  const readBefore = (transaction: Knex.Transaction) =>
    readLogged(database, known, BEFORE, [known.source, ids, options.importId], transaction)
  const work = async (transaction: Knex.Transaction) => {
    const logged = await readBefore(transaction)
    const before = new Map(logged.map((row) => [row.id, row]))
    const made = rows.filter(({ event }) => event === 'created').map(({ id }) => id)
    const added = await addedSince(database, known, { ids: made, xid }, transaction)
    const undone: UndoneRow[] = []
    for (const row of rows) {
      const one = await transaction
        .transaction(async (savepoint) => {
          const target = { known, actor: options.actor, id: row.id, transaction: savepoint }
          const result = await undoRow(database, target, options, row, before.get(row.id))
          const errors = result?.outcome === 'removed' ? added.get(row.id) : undefined
          if (errors) throw new RowRefused({ id: row.id, outcome: 'invalid', errors })
          if (result && !isDone(result)) throw new RowRefused(result)
          return result
        })
        .catch((error) => {
          if (error instanceof RowRefused) return error.row
          throw error
        })
      if (one) undone.push(one)
    }
    const again = await readBefore(transaction)
    if (again.some(({ id, is_whole: isWhole }) => before.get(id)?.is_whole !== isWhole))
      throw new ErasedMeanwhile()
    return undone
  }
  try {
    return await database.within(work)
  } catch (error) {
    const isAgain = error instanceof ErasedMeanwhile || isRetryable(error)
    if (!isAgain || retries === 0) throw error
    return undoRows(database, known, options, { rows, xid }, retries - 1)
  }
}

/** Undoes a part of an import; the whole of it by asking on with `after` until `next` is null. */
export const undoImport = async (
  shared: Database,
  type: string,
  options: UndoImportOptions,
): Promise<UndoImportOutcome> => {
  const database = shared.forActor(options.actor)
  const known = await database.typeFor(type, undefined, options.actor)
  if (!known) return MISSING
  const { importId, after, limit = 200, actor } = options
  if (storageError(importId) !== null) return MISSING
  const tenant = known.tenantColumn ? actor.tenantId : null
  const base = importOf(importId)
  const numbers = after === undefined ? [null, null] : database.cursors.openNumbers(after, 2)
  if (!numbers) return refuse('malformed', 'after must be what an answer gave as next.')
  const [found] = await database.send(FIND, [base, known.source, tenant, numbers[1] ?? null])
  if (!found?.xid) return MISSING
  let last: string = numbers[0] ?? found.last
  const rows: UndoneRow[] = []
  const isOpen = !known.audience && staticPermission(known.openType, actor, 'read') === true
  const total = isOpen && base === importId ? found.changes : null
  for (let looked = 0; rows.length < limit && looked < MOST_LOOKED; ) {
    const count = Math.min(AT_ONCE, limit - rows.length)
    const range = [found.xid, found.first, last]
    const part = await database.send(PART, [base, known.source, ...range, count, importId])
    const newest = part.filter(({ is_last: isLast }) => isLast)
    rows.push(...(await undoRows(database, known, options, { rows: newest, xid: found.xid })))
    if (part.length < count) return { outcome: 'undone', rows, next: null, total }
    last = String(BigInt(part.at(-1)?.seq) - 1n)
    looked += count
  }
  return { outcome: 'undone', rows, next: database.cursors.sealNumbers([last, found.xid]), total }
}
