// Tenants and lists go by texts: whatever a statement writes, however many rows, a value has one text in the log, that which JSON shows.
// A type of which equal values have different texts is refused, as events would miss who spells it otherwise.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
atEnd(() => knex.destroy())
await knex.raw(`create extension if not exists citext; create type mood as enum ('good', 'bad'); create domain code as char(6);
  create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)

/** A type, a value, another one, and how each is shown. */
const VALUES: [type: string, one: string, other: string, shown: [string, string]][] = [
  ['char(5)', 'k', 'l', ['k    ', 'l    ']],
  ['code', 'k', 'l', ['k     ', 'l     ']],
  ['varchar(5)', 'k', 'l', ['k', 'l']],
  ['inet', '10.0.0.1', '10.0.0.0/8', ['10.0.0.1', '10.0.0.0/8']],
  ['boolean', 't', 'f', ['true', 'false']],
  ['numeric(10,2)', '42', '43', ['42.00', '43.00']],
  ['mood', 'good', 'bad', ['good', 'bad']],
  ['date', '2026-01-02', '2026-01-03', ['2026-01-02', '2026-01-03']],
  ['macaddr', '08002b010203', '08002b010204', ['08:00:2b:01:02:03', '08:00:2b:01:02:04']],
]

test.each(VALUES)(
  'a list and a tenant by a column of type %s have one text a value',
  async (type, one, other, shown) => {
    const isTenant = !['boolean', 'date'].includes(type)
    await knex.raw(`drop table if exists t; delete from noclobber.record_changes; delete from noclobber.change_batches;
    create table t (id integer primary key, tenant ${isTenant ? type : 'text'}, kind ${type}, title text default '')`)
    await trackTable(knex, 't', { tenant: 'tenant', lists: ['kind'] })
    const tenant = isTenant ? one : 'acme'
    for (const count of [1, 60, 120]) {
      await knex.raw('insert into t (id, tenant, kind) select n, ?, ? from generate_series(1, ?::int) n', [
        tenant,
        one,
        count,
      ])
      await knex.raw(`update t set title = 'x'`)
      await knex.raw(`update t set title = 'y' where id = 1`)
      await knex.raw('update t set kind = ?', [other])
      await knex.raw('update t set kind = ? where id = 1', [one])
      await knex.raw('update t set id = -id')
      await knex.raw('delete from t where id = -1')
      await knex.raw('delete from t')
    }
    const { rows } =
      await knex.raw(`select array(select distinct tenant_id from noclobber.changes) as tenants,
    array(select distinct jsonb_array_elements_text(scopes->'kind') from noclobber.changes order by 1) as kinds`)
    expect(rows[0]).toEqual({ tenants: [isTenant ? shown[0] : 'acme'], kinds: shown.toSorted() })
  },
)

test.each([
  ['tenant', 'citext', /takes different texts for equal \(public.citext\).*no tenant goes by it/],
  [
    'tenant',
    'text collate loose',
    /takes different texts for equal \(its collation\).*deterministic collation/,
  ],
  ['tenant', 'numeric', /takes different texts for equal \(numeric\).*numeric\(20,0\)/],
  ['tenant', 'boolean', /is boolean: no tenant goes by it/],
  ['tenant', 'date', /is date: no tenant goes by it/],
  ['tenant', 'timestamptz', /depends on a session's settings/],
  ['list', 'citext', /takes different texts for equal \(public.citext\).*no list goes by it/],
  ['list', 'numeric', /no list goes by it/],
])('no %s by a column of type %s', async (what, type, sentence) => {
  await knex.raw(`drop table if exists t; create table t (id integer primary key, place ${type})`)
  const options = what === 'tenant' ? { tenant: 'place' } : { lists: ['place'] }
  await expect(trackTable(knex, 't', options)).rejects.toThrow(sentence)
})
