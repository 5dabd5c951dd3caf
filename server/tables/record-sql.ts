// The SQL of one record: read, guarded update, guarded delete, insert. A function a statement.
// Invariant: the guard is inside the write (WHERE id AND tenant AND version), in one statement, which also names the
// writer and keeps the answer of a write that carries a mutation id. Nothing is read first and compared here.
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { setAudience } from '../audience/audience.ts'
import { hide } from '../base/hidden-fields.ts'
import { isoUtc } from '../db/iso-time.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Column, TrackedType } from './catalogue.ts'
import { aliasOf, columnSql, fieldExpression, fieldValue, isStamped, isStampedIn } from './field-sql.ts'
import { headSql, idSql } from './head-sql.ts'
import { namesParent, parentIsThere, valuesGiven } from './part-sql.ts'
import { rowSize } from './row-size.ts'
import { changeSetCondition, NAMING, sentChangeSet } from './writer-context.ts'

/** The most different sets of changed columns that get a prepared statement each; further ones are sent unnamed. */
const MAX_SHAPES = 200

/** The statements of one tracked type. Parameters in the order in which each one's comment names them. */
export interface RecordSql {
  /** id, [tenant] */
  read: Statement
  /** ids, [tenant] */
  readMany: Statement
  /** writer, id, version, [tenant], [member], values…, [mutation…] */
  update(columns: string[], withMutation: boolean, isPrecomputed: boolean): Statement
  /** writer, [tenant], values…, [mutation…] */
  insert(columns: string[], withMutation: boolean): Statement
  /** writer, id, version, [tenant], [member], [mutation…] */
  remove(withMutation: boolean): Statement
  /**
   * id, [tenant], mutation…: stores the record as it is now as the response of a write that set these columns.
   *
   * @param isStored The write has stored one already.
   */
  storeResponse(columns: string[], isStored: boolean): Statement
  /** id, [tenant], mutation…, version: stores the record as the response, if it is at that version; gives a row if so. */
  storeResponseAt(columns: string[]): Statement
  /** For RETURNING, without large values; `noclobber_omitted` names them. */
  leanReturned: string
  /** The head of a SELECT of whole records from the table as `t`, with further expressions. */
  selectFrom(further: string): string
  /** The same with `noclobber_bytes`, the size of what is shown of the record; large values of what isn't are null. */
  selectSized(further: string[]): string
  /** The same without large values; `noclobber_omitted` names them. */
  selectLean(further: string[]): string
  /** ids, [tenant]: the same, in the order of the ids, each with its `noclobber_place` among them; for `sendSized` */
  sizedByIds: string
  /** ids, [tenant]: the same without large values */
  leanByIds: string
  /** ids, [tenant]: {@link sizedByIds} of what is shown: what isn't shown counts for nothing, and large values of it are null */
  shownByIds: string
  /** The record of a row, or of a stored response. */
  toRecord(row: Row): WireRecord
}

/** A written row also answers the mutation that wrote it: tenant, actor, mutation id, hash of the request. */
const storeResponse = (write: string, answer: string, next: number, head = '') =>
  `${head ? `${head},` : 'with'} written as (${write}), kept as (
    insert into noclobber.mutations (tenant_id, actor_id, mutation_id, request_hash, answer)
    select $${next}, $${next + 1}, $${next + 2}, $${next + 3}, ${answer} from written w)
  select * from written`

const HEADS = ['noclobber_id', 'noclobber_version', 'noclobber_updated_at', 'noclobber_updated_by']

/** Columns of these types are kept in each answer: none of them is long. */
const SHORT = /^(bool|int[248]|float[48]|numeric|date|time|timetz|timestamp|timestamptz|interval|uuid|money)$/
/** A column that takes more, and that the write did not set, is left out of the stored response, in bytes. */
const LONG_BYTES = 500

/**
 * The written row `w` as jsonb. Long values of `untouched` columns are left out and named: a large record would otherwise be
 * kept anew for each small save.
 */
const answerOf = (all: string[], untouched: string[]) => {
  if (untouched.length === 0)
    return `pg_catalog.to_jsonb(w.*) - '{noclobber_change_set,noclobber_by,noclobber_audience}'::text[]`
  const isLong = (name: string) => `pg_catalog.pg_column_size(w.${quoteName(aliasOf(name))}) > ${LONG_BYTES}`
  const kept = all.map((name) => {
    const alias = quoteName(aliasOf(name))
    return untouched.includes(name)
      ? `case when ${isLong(name)} then null else w.${alias} end as ${alias}`
      : `w.${alias}`
  })
  const leftOut = untouched.map((name) => `case when ${isLong(name)} then ${quoteText(name)} end`)
  const heads = HEADS.map((name) => `w."${name}"`)
  return `(select pg_catalog.to_jsonb(s.*) from (select ${[...heads, ...kept].join(', ')}) s)
    || pg_catalog.jsonb_build_object('noclobber_left_out', pg_catalog.array_remove(array[${leftOut.join(', ')}]::text[], null))`
}

/** Where a record stands among the ids that were asked for, from 1. */
const PLACE = 'i.place::integer as "noclobber_place"'

/** The condition that guards a write: the row is still at the version that the writer built on. */
const isAtVersion = (version: string, parameter: number) => `${version} = $${parameter}`

/** The condition that keeps a statement to one tenant's rows; none for a table without tenants. */
const isOfTenant = (column: string | null, parameter: number) =>
  column === null ? '' : ` and t.${column} = $${parameter}`

/** Rows are inserted only after the writer is named. */
const WRITER = `with writer as materialized (select ${NAMING} as named)`

/** @param unseen Fields that are withheld from those for whom it is made, beside the type's own hidden ones. */
export const recordSql = (
  tracked: TrackedType & { rights?: string | null },
  unseen: string[] = [],
): RecordSql => {
  const { table, tenantColumn, type, fieldNames, part } = tracked
  const column = (name: string) => columnSql(tracked, name)
  const id = idSql(tracked)
  const head = headSql(tracked)
  const fields = fieldNames.map((name) => `${fieldExpression(tracked, name)} as ${quoteName(aliasOf(name))}`)
  const { audience } = tracked
  const whom = audience
    ? [
        `t.${quoteName(audience.by.column)}::text as "noclobber_by"`,
        `array(select ${audience.named} from ${audience.members}) as "noclobber_audience"`,
      ]
    : []
  const selected = [...head.selected, ...fields, ...whom].join(', ')
  const returned = [...head.returned, ...fields, ...whom].join(', ')
  const readers = fieldNames.map((name) => ({
    name,
    alias: aliasOf(name),
    codec: (tracked.columns.get(name) as Column).codec,
  }))
  const ofTenant = (parameter: number) => isOfTenant(tenantColumn && column(tenantColumn), parameter)
  const size = rowSize(tracked, unseen)
  const shown = [...head.selected, ...size.shown, ...whom].join(', ')
  const lean = [...head.selected, ...size.lean, ...whom].join(', ')
  const byIds = ` join pg_catalog.unnest($1::text[]) with ordinality i(id, place)
    on ${id.isText('i.id')}${ofTenant(2)} order by i.place`
  const select = (...columns: string[]) => `select ${columns.join(', ')} from ${table} t`
  const member = tenantColumn ? 5 : 4
  const firstValue = audience ? member + 1 : member
  // Who has left since the record was read writes nothing.
  const isMember = audience
    ? ` and exists (select from ${audience.members} and ${audience.named} = $${member}::text)`
    : ''
  const guard = `${id.is('$2')} and ${isAtVersion(head.version, 3)}${ofTenant(4)}${isMember}`
  const isShort = (name: string) => SHORT.test(tracked.columns.get(name)?.type ?? '')
  const answer = (set: string[]) =>
    answerOf(
      fieldNames,
      fieldNames.filter((name) => !isShort(name) && !set.includes(name)),
    )
  const isPlainObject = !fieldNames.includes('__proto__')
  const shapes = new Map<string, Statement>()

  const shaped = (shape: string, text: () => string): Statement => {
    const known = shapes.get(shape)
    if (known) return known
    const made = statement(text())
    if (shapes.size >= MAX_SHAPES) return { ...made, name: '' }
    shapes.set(shape, made)
    return made
  }

  const readOnly = tracked.shownNames.filter((name) => !tracked.writable.has(name))
  const rights = tracked.rights && { read_only: readOnly, rights: tracked.rights }

  const toRecord = (row: Row): WireRecord => {
    const fields: Record<string, unknown> = isPlainObject ? {} : Object.create(null)
    for (const { name, alias, codec } of readers) fields[name] = codec.fromRow(row[alias])
    if (type.hidden.length > 0) hide(fields, type.hidden)
    const record: WireRecord = {
      type: type.name,
      id: row.noclobber_id,
      version: Number(row.noclobber_version),
      updated_at: isoUtc(row.noclobber_updated_at),
      updated_by: normalizedWriter(row.noclobber_updated_by),
      fields,
      ...rights,
    }
    return audience ? setAudience(record, row.noclobber_by, row.noclobber_audience ?? []) : record
  }

  return {
    read: statement(`select ${selected} from ${table} t where ${id.is('$1')}${ofTenant(2)}`),
    readMany: statement(`select ${selected} from ${table} t where ${id.isAny('$1')}${ofTenant(2)}`),
    update: (columns, withMutation, isPrecomputed) =>
      shaped(`update ${withMutation} ${isPrecomputed} ${JSON.stringify(columns)}`, () => {
        const set = columns
          .map((name, index) => `${column(name)} = ${fieldValue(tracked, name, `$${firstValue + index}`)}`)
          .join(', ')
        const naming = isPrecomputed ? changeSetCondition(tracked, columns, firstValue) : NAMING
        const changeSet = isPrecomputed
          ? `, ${sentChangeSet(head.version, '$3')} as "noclobber_change_set"`
          : ''
        const stamped = isPrecomputed ? '' : ` and ${isStamped(tracked)}`
        const tenant = tenantColumn ? `t.${column(tenantColumn)}` : null
        const there =
          part && namesParent(part, columns)
            ? ` and ${parentIsThere(part, valuesGiven(tracked, part, columns, firstValue), tenant)}`
            : ''
        const write = `update ${table} t set ${set} where ${guard}${there} and ${naming}${stamped} returning ${returned}${changeSet}`
        return withMutation ? storeResponse(write, answer(columns), firstValue + columns.length) : write
      }),
    insert: (columns, withMutation) =>
      shaped(`insert ${withMutation} ${JSON.stringify(columns)}`, () => {
        const names = [...(tenantColumn ? [tenantColumn] : []), ...columns]
        const values = names.map((name, index) => `$${index + 2}::${tracked.columns.get(name)?.cast}`)
        const ofTenant = tenantColumn ? (values[0] as string) : null
        const inserted = part?.columns.map((name) => values[names.indexOf(name)] ?? 'null')
        const there =
          part && inserted && namesParent(part, names)
            ? ` and ${parentIsThere(part, inserted, ofTenant)}`
            : ''
        const write = `insert into ${table} as t (${quoteName(tracked.owned.version.name)}${names.map((name) => `, ${column(name)}`).join('')})
          select 1${values.map((value) => `, ${value}`).join('')} from writer where writer.named and ${isStampedIn(table)}${there} returning ${returned}`
        return withMutation
          ? storeResponse(write, answer(columns), names.length + 2, WRITER)
          : `${WRITER} ${write}`
      }),
    remove: (withMutation) =>
      shaped(`remove ${withMutation}`, () => {
        const write = `delete from ${table} t where ${guard} and ${NAMING} and ${isStamped(tracked)} returning ${id.text} as "noclobber_id"`
        return withMutation ? storeResponse(write, `'{}'::jsonb`, firstValue) : write
      }),
    storeResponse: (columns, isStored) => {
      const next = tenantColumn ? 3 : 2
      const record = `(select ${selected} from ${table} t where ${id.is('$1')}${ofTenant(2)}) w`
      return {
        name: '',
        text: isStored
          ? `update noclobber.mutations m set answer = ${answer(columns)} from ${record}
             where m.tenant_id = $${next} and m.actor_id = $${next + 1} and m.mutation_id = $${next + 2} and m.request_hash = $${next + 3}`
          : `insert into noclobber.mutations (tenant_id, actor_id, mutation_id, request_hash, answer)
             select $${next}, $${next + 1}, $${next + 2}, $${next + 3}, ${answer(columns)} from ${record}`,
      }
    },
    storeResponseAt: (columns) => {
      const next = tenantColumn ? 3 : 2
      return {
        name: '',
        text: `insert into noclobber.mutations (tenant_id, actor_id, mutation_id, request_hash, answer)
          select $${next}, $${next + 1}, $${next + 2}, $${next + 3}, ${answer(columns)} from (
            select ${selected} from ${table} t where ${id.is('$1')}${ofTenant(2)} and ${isAtVersion(head.version, next + 4)}) w
          returning mutation_id`,
      }
    },
    leanReturned: [...head.returned, ...size.lean, ...whom].join(', '),
    selectFrom: (further) => select(selected, further),
    selectSized: (further) => select(shown, `${size.shownBytes} as "noclobber_bytes"`, ...further),
    selectLean: (further) => select(lean, ...further),
    sizedByIds: select(selected, `${size.bytes} as "noclobber_bytes"`, PLACE) + byIds,
    leanByIds: select(lean, PLACE) + byIds,
    shownByIds: select(shown, `${size.shownBytes} as "noclobber_bytes"`, PLACE) + byIds,
    toRecord,
  }
}
