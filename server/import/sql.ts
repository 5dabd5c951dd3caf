// The SQL of an import: validated rows wait in a temporary table and are written from there, within one transaction.
// Invariant: the guard is inside the UPDATE here too: a row is written over a record only at the version at which it
// was checked. Values go through json_populate_record, so each column gets what a row's JSON says and nothing else.
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { type Statement, statement } from '../db/statement.ts'
import type { Column } from '../tables/catalogue.ts'
import type { KnownType } from '../tables/database.ts'
import { columnSql, isStamped, isStampedIn } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import { idOfParent, parentIsThere, valuesIn } from '../tables/part-sql.ts'
import { NAMING } from '../tables/writer-context.ts'

/** A validated row. `seen` is the version of the record that it updates; null if it creates one. */
export interface StagedRow {
  line: number
  key: string | null
  id: string | null
  seen: number | null
  /** The file named the version. */
  guarded: boolean
  /** The fields of a new record, sorted, as JSON. */
  shape: string | null
  doc: string
}

const unnamed = (text: string): Statement => ({ name: '', text })

export const CREATE_STAGE = unnamed(`
create temporary table noclobber_import (line integer primary key, key text, id text, seen bigint,
  guarded boolean not null, shape text, doc json not null) on commit drop`)

/** A caller's transaction may hold several imports, one after the other. */
export const DROP_STAGE = unnamed('drop table pg_temp.noclobber_import')

export const ANALYZE_STAGE = unnamed('analyze pg_temp.noclobber_import')

/** rows, as JSON */
export const STAGE = unnamed(`
insert into pg_temp.noclobber_import select r.line, r.key, r.id, r.seen, r.guarded, r.shape, r.doc::json
from json_to_recordset($1::json) r(line integer, key text, id text, seen bigint, guarded boolean, shape text, doc text)`)

/** writer; for the rest of the transaction */
export const NAME_WRITER = statement(`select ${NAMING}`)

/**
 * source and tenant: imports into the same records run one after the other. Inserting a row of a key waits for the transaction
 * that inserted the same key before; the row is deleted in the same transaction. An advisory lock could be taken by any role.
 */
export const LOCK_IMPORTS = statement(
  `insert into noclobber.import_locks (table_name, tenant_id) values ($1, $2)`,
)
export const REMOVE_LOCK_ROW = statement(
  `delete from noclobber.import_locks where table_name = $1 and tenant_id = $2`,
)

/** from, to: rows that update */
export const UPDATES_IN = unnamed(`
select s.line, s.id, s.seen, s.guarded from pg_temp.noclobber_import s
where s.line between $1 and $2 and s.seen is not null order by s.line`)

/** from, to: field sets of rows that create, and how many rows have each */
export const SHAPES_IN = unnamed(`
select s.shape, pg_catalog.count(*)::integer as rows from pg_temp.noclobber_import s
where s.line between $1 and $2 and s.seen is null group by s.shape order by 1`)

/** lines, versions: rows that were checked again */
export const RESTAGE_VERSIONS = unnamed(`
update pg_temp.noclobber_import s set seen = w.seen from unnest($1::integer[], $2::bigint[]) w(line, seen)
where s.line = w.line`)

/** The last line of each savepoint batch of so many rows. */
export const SAVEPOINT_BATCHES = unnamed(`
select pg_catalog.max(p.line) as last from (select s.line, (row_number() over (order by s.line) - 1) / $1::integer as batch
  from pg_temp.noclobber_import s) p group by p.batch order by 1`)

/** The statements of one type. */
export interface ImportSql {
  /** keys, [tenant]: records under each key, as the key's column compares */
  find: Statement
  /** limit: rows whose key is in an earlier line, perhaps spelled differently */
  repeatedKeys: Statement
  /** limit, [tenant]: records created meanwhile under the keys of rows that create */
  foundMeanwhile: Statement
  /** from, to, [tenant], [member]: lines written, and whether that made a new version */
  update(columns: string[]): Statement
  /** from, to, [tenant]: lines with the key of the parent that each will have; null where it has none */
  parents: Statement
  /** from, to, [tenant]: lines that name a parent which isn't there */
  orphans: Statement
  /** from, to, shape, [tenant] */
  insert(columns: string[]): Statement
}

export const importSql = (known: KnownType, key: string | null): ImportSql => {
  const { table, tenantColumn, columns, sql, owned } = known
  const version = quoteName(owned.version.name)
  const column = (name: string) => columnSql(known, name)
  const id = idSql(known)
  /** What a row gives a field; of an update beside what the record has. */
  const value = (name: string, current?: string) => {
    const given = `r.${column(name)}`
    const codec = columns.get(name)?.codec
    return codec?.ofType(given, current ? codec.kept(current, given) : given)
  }
  const foundBy = key === null || key === 'id' ? null : (columns.get(key) as Column)
  const asKey = (text: string) =>
    foundBy
      ? `${text}::${foundBy.cast}${foundBy.collation ? ` collate ${foundBy.collation}` : ''}`
      : id.asValue(text)
  const isFound = (text: string) => (foundBy ? `t.${column(key ?? '')} = ${asKey(text)}` : id.isText(text))
  const ofTenant = (parameter: number) =>
    tenantColumn ? `and t.${column(tenantColumn)} = $${parameter}` : ''
  const { part, audience } = known
  const isMember = audience
    ? ` and exists (select from ${audience.members} and ${audience.named} = $${tenantColumn ? 4 : 3}::text)`
    : ''
  const own = tenantColumn ? `$3::${columns.get(tenantColumn)?.cast}` : null
  /** As the record will have them: the file's, or else what it has; the tenant is the actor's. */
  const parent = part
    ? valuesIn(part, 'r').map((value, at) => (part.columns[at] === tenantColumn ? `${own}` : value))
    : []
  const isNamed = part?.columns
    .map((name) => `s.doc->${quoteText(known.names.columnOf(name))} is not null`)
    .join(' or ')
  const lines = (selected: string) => `select s.line, ${selected} from pg_temp.noclobber_import s
    left join ${table} t on s.seen is not null and ${id.isText('s.id')} ${ofTenant(3)}
    cross join lateral pg_catalog.json_populate_record(t.*, s.doc) r where s.line between $1 and $2`
  return {
    parents: unnamed(
      `${lines(`s.id, ${part ? idOfParent(parent) : 'null'} as parent, s.doc::text as doc`)} order by s.line`,
    ),
    orphans: unnamed(
      `${lines('s.id')} and ${part ? `(${isNamed}) and not ${parentIsThere(part, parent, part.tenantColumn ? own : null)}` : 'false'} order by s.line`,
    ),
    find: unnamed(
      `${sql.selectFrom('k.key as "noclobber_key"')} join pg_catalog.unnest($1::text[]) k(key) on ${isFound('k.key')} ${ofTenant(2)}`,
    ),
    repeatedKeys: unnamed(
      `select r.line, r.first, pg_catalog.count(*) over () as total from (
         select s.line, pg_catalog.min(s.line) over (partition by ${asKey('s.key')}) as first
         from pg_temp.noclobber_import s where s.key is not null) r
       where r.line > r.first order by r.line limit $1`,
    ),
    foundMeanwhile: unnamed(
      `${sql.selectFrom('s.line as "noclobber_line"')} join pg_temp.noclobber_import s on ${isFound('s.key')}
       where s.seen is null ${ofTenant(2)} order by s.line limit $1`,
    ),
    update: (names) =>
      unnamed(
        `update ${table} t set (${names.map(column).join(', ')}) =
           (select ${names.map((name) => value(name, `t.${column(name)}`)).join(', ')}
              from pg_catalog.json_populate_record(t.*, s.doc) r)
         from pg_temp.noclobber_import s where s.line between $1 and $2 and s.seen is not null
           and ${id.isText('s.id')} and t.${version} = s.seen ${ofTenant(3)}${isMember} and ${isStamped(known)}
         returning s.line, t.${version} <> s.seen as changed`,
      ),
    insert: (names) =>
      unnamed(
        `insert into ${table} (${version}${[...(tenantColumn ? [tenantColumn] : []), ...names].map((name) => `, ${column(name)}`).join('')})
         select 1${tenantColumn ? `, $4::${columns.get(tenantColumn)?.cast}` : ''}${names.map((name) => `, ${value(name)}`).join('')}
         from pg_temp.noclobber_import s cross join lateral pg_catalog.json_populate_record(null::${table}, s.doc) r
         where s.line between $1 and $2 and s.seen is null and s.shape = $3 and ${isStampedIn(table)} order by s.line returning 1 as made`,
      ),
  }
}

/** import, source, [tenant]: note it where it stands in the log. */
export const NOTE_IMPORT = statement(`
insert into noclobber.imports (import_id, table_name, tenant_id, first_seq, last_seq, changes)
select $1, $2, $3, pg_catalog.min(c.seq), pg_catalog.max(c.seq), pg_catalog.count(*)::integer from noclobber.changes c
where c.xid = pg_current_xact_id() and c.table_name = $2 and c.import_id = $1 having pg_catalog.count(*) > 0
on conflict (import_id) do nothing`)
