// How long the log keeps what of one table, see retention.sql. Every pruning goes by it.
import type { Knex } from 'knex'
import { asKnex, type Sql } from '../server/db/pg-as-knex.ts'
import { quoteTable } from './quote.ts'

/** Times as PostgreSQL's intervals: `'90 days'`, `'2 years'`. */
export interface Retention {
  /**
   * Values: what fields were before and after a change, and what was deleted. Older ones can't be shown or brought back. Default: as long as
   * {@link names}.
   */
  values?: string | undefined
  /** Changes: who changed which fields when. Default: the server's `limits.retentionMs`. */
  names?: string | undefined
}

const SOURCE = `select pg_catalog.concat(n.nspname, '.', c.relname) as source from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
where c.oid operator(pg_catalog.=) pg_catalog.to_regclass(?)::pg_catalog.oid`

const WANTED = `select w.kept > interval '0' and isfinite(now() - w.kept) as fits from (select cast(? as interval)) w(kept)`

const SET = `insert into noclobber.retentions (table_name, kept_values, kept_names) values (?, cast(? as interval), cast(? as interval))
on conflict (table_name) do update set kept_values = excluded.kept_values, kept_names = excluded.kept_names`

const refuseBad = async (knex: Knex, asked: string | undefined) => {
  if (asked === undefined) return
  const isFit = await knex.raw(WANTED, [asked]).then(
    ({ rows }) => rows[0].fits,
    () => false,
  )
  if (!isFit) throw new Error(`Not a time for which something can be kept: ${asked}. Write it as '90 days'.`)
}

/**
 * Says how long the log keeps what of a table; with `{}` as long as the server says. Changes that are there already go by it too.
 *
 * @param sql A connection or transaction: of Knex, or a pool or connected client of `pg`; of the role that runs the migrations.
 * @throws Error with a sentence where there is no such table, or a time is none.
 * @example
 * await setRetention(knex, 'customers', { values: '90 days', names: '2 years' })
 */
export const setRetention = async (sql: Sql, table: string, retention: Retention): Promise<void> => {
  const knex = asKnex(sql)
  const { values, names } = retention
  await refuseBad(knex, values)
  await refuseBad(knex, names)
  const [found] = (await knex.raw(SOURCE, [quoteTable(table)])).rows
  if (!found) throw new Error(`There is no table ${table}.`)
  if (values === undefined && names === undefined)
    await knex.raw('delete from noclobber.retentions where table_name = ?', [found.source])
  else await knex.raw(SET, [found.source, values ?? null, names ?? null])
}
