// What a change is: a column's value is stored differently. Of each pair of values that one type takes for equal, or shows alike, the
// version, the change's fields, the values that are kept and the event agree, whatever statement writes it.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'
import { oneIn } from '../support/short-run.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
atEnd(() => knex.destroy())
await knex.raw(`create extension if not exists citext; create extension if not exists hstore;
  create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create domain amount as numeric; create domain ratios as float8[]; create type mood as enum ('good', 'bad');
  create type place as (size numeric, ratio float8); create type floats as range (subtype = float8);
  create function with_bitmap() returns integer[] language plpgsql as 'declare a integer[] := ''{1,NULL}''; begin a[2] := 2; return a; end'`)

/** A type, and pairs of values of it: equal ones that look different, different ones that look alike, and some others. */
const PAIRS: [type: string, ...[from: string, to: string][]][] = [
  ['numeric', ['1.0', '1.00'], ['0', '0.0'], ['1', '2'], ['NaN', 'NaN']],
  ['numeric(12,2)', ['1.0', '1.00']],
  ['numeric[]', ['{1.0}', '{1.00}'], ['{1}', '{1}']],
  ['amount', ['1.0', '1.00']],
  ['amount[]', ['{1.0}', '{1.00}']],
  ['float8', ['0', '-0'], ['-0', '0'], ['NaN', "-('NaN'::float8)"], ['0.1', '0.10']],
  ['float4', ['0', '-0'], ['0.1', '0.2']],
  ['float8[]', ['{0}', '{-0}'], ['{0.1}', '{0.10000000000000002}']],
  ['ratios', ['{0}', '{-0}']],
  ['floats', ['[0,1)', '[-0,1)']],
  ['interval', ['1 day', '24:00'], ['1 mon', '30 days'], ['1 day', '1 day 00:00']],
  ['interval[]', ['{1 day}', '{24:00}']],
  ['citext', ['a', 'A'], ['a', 'a']],
  ['citext[]', ['{a}', '{A}']],
  ['text collate loose', ['a', 'A'], ['é', 'É'], ['a', 'a']],
  ['varchar(9) collate loose', ['a', 'A']],
  ['char(5)', ['a', 'a   '], ['a', 'A']],
  ['char(5) collate loose', ['a', 'A']],
  ['char(5)[]', ['{a}', '{"a  "}']],
  [
    'timestamptz',
    ['2026-03-04 05:06+00', '2026-03-04 06:06+01'],
    ['2026-03-04 05:06+00', '2026-03-04 05:06+01'],
  ],
  ['timetz', ['09:00+00', '10:00+01']],
  ['date', ['2026-03-04', '20260304']],
  [
    'jsonb',
    ['{"a":1.0}', '{"a":1.00}'],
    ['1.0', '1.00'],
    ['[1]', '[ 1 ]'],
    ['null', '0'],
    ['{"b":1,"a":2}', '{"a":2,"b":1}'],
  ],
  ['jsonb[]', ['{1.0}', '{1.00}']],
  ['json', ['{"a":1}', '{"a": 1}'], ['{"a":1,"a":2}', '{"a":2}']],
  ['numrange', ['[1.0,2)', '[1.00,2)'], ['(1,1)', 'empty']],
  ['nummultirange', ['{[1.0,2)}', '{[1.00,2)}']],
  ['int4range', ['[1,2]', '[1,3)']],
  ['place', ['(1.0,0)', '(1.00,0)'], ['(1.0,0)', '(1.0,-0)'], ['(1,)', '(1,0)']],
  ['place[]', ['{"(1.0,0)"}', '{"(1.0,-0)"}']],
  ['integer[]', ['{1,2}', '[0:1]={1,2}'], ['{1,2}', 'with_bitmap()'], ['{}', '{NULL}']],
  ['bigint', ['7', '007']],
  ['boolean', ['t', 'yes'], ['t', 'f']],
  ['mood', ['good', 'good'], ['good', 'bad']],
  ['mood[]', ['{good}', '{bad}']],
  ['inet', ['10.0.0.1', '10.0.0.1/32'], ['10.0.0.1', '10.0.0.1/8']],
  ['uuid', ['6F9619FF-8B86-D011-B42D-00CF4FC964FF', '6f9619ff-8b86-d011-b42d-00cf4fc964ff']],
  ['point', ['(0,0)', '(-0,0)'], ['(0.1,0)', '(0.10000000000000002,0)']],
  ['box', ['(3,4),(1,2)', '(1,2),(3,4)'], ['(0,0),(-1,-1)', '(-0,0),(-1,-1)']],
  ['circle', ['<(0,0),1>', '<(0,0),1.0>'], ['<(1,2),1>', '<(3,4),1>']],
  ['path', ['[(0,0),(1,1)]', '((0,0),(1,1))'], ['[(0,0),(1,1)]', '[(2,2),(5,5)]']],
  ['lseg', ['[(0,0),(1,1)]', '[(-0,0),(1,1)]']],
  ['bit(3)', ['101', '101'], ['101', '111']],
  ['varbit', ['101', '1010']],
  ['money', ['1.5', '1.50']],
  ['bytea', ['\\x61', 'a']],
  ['tsvector', ['a:1', 'a'], ['b a', 'a b']],
  ['tsquery', ['a & b', 'b & a']],
  ['xml', ['<a/>', '<a />']],
  ['hstore', ['a=>1,b=>2', 'b=>2,a=>1'], ['a=>1', 'a=>"1"'], ['a=>NULL', '']],
  ['name', ['a', 'A']],
]

/** SQL of a value: a literal, or an expression. */
const sqlOf = (value: string, type: string) =>
  /\(\)$|::/.test(value) ? value : `'${value}'::${type.replace(/ collate.*/, '')}`

interface Written {
  id: number
  version: number
  /** The changes but the creation. */
  log: { version: number; fields: string[]; kept: string[] }[]
}
const written = async (): Promise<Written[]> => {
  const { rows } = await knex.raw(
    `select t.id, t.version::int, coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('version', c.version,
         'fields', array(select f from pg_catalog.unnest(c.changed_fields) f order by f),
         'kept', array(select k from pg_catalog.jsonb_object_keys(c.changed_values) k order by k)) order by c.version)
       from noclobber.record_changes c where c.table_name = 'public.things' and c.record_id = t.id::text and c.event = 'updated'), '[]') as log
     from things t order by t.id`,
  )
  return rows
}

interface Step {
  id: number
  from: string
  to: string
  label: boolean
}
const set = (steps: Step[]) =>
  knex.raw(
    `update things t set v = s.v, label = coalesce(s.label, t.label) from (values ${steps
      .map(({ id, to, label }) => `(${id}, ${to}, ${label ? `'other'` : 'null'})`)
      .join(', ')}) s(id, v, label) where t.id = s.id`,
  )
/** By one statement for each row, for a few, and for more than are logged one by one. */
const WAYS: Record<string, (steps: Step[]) => Promise<unknown>> = {
  one: async (steps) => {
    for (const step of steps) await set([step])
  },
  few: set,
  many: set,
}
/** In which the same statement finds another way to compare the rows. */
const WORLDS = {
  'as it was tracked': async () => {},
  'with a column that came since': () => knex.raw('alter table things add column later integer'),
  'with a list by a day': () => trackTable(knex, 'things', { lists: ['day'], history: 'values' }),
  'in a session with other settings': () =>
    knex.raw(`set extra_float_digits = -5; set intervalstyle = sql_standard; set datestyle = 'SQL, DMY'`),
}

test.each(oneIn(6, PAIRS))('a %s has a change where it is stored differently', async (type, ...pairs) => {
  await knex.raw(
    `drop table if exists things; reset all; create table things (id integer primary key, day date, label text, v ${type})`,
  )
  await trackTable(knex, 'things', { history: 'values' })
  const sides = pairs.map(([from, to]) => ({ from: sqlOf(from, type), to: sqlOf(to, type) }))
  const { rows: differing } = await knex.raw(
    `select record_image_ne(row(p.a), row(p.b)) as differs, p.a::text <> p.b::text as "looksOther"
     from (values ${sides.map(({ from, to }, at) => `(${at}, ${from}, ${to})`).join(', ')}) p(at, a, b) order by p.at`,
  )
  for (const { differs, looksOther } of differing) if (looksOther) expect(differs).toBe(true)
  for (const [world, enter] of Object.entries(WORLDS)) {
    await enter()
    for (const [way, write] of Object.entries(WAYS)) {
      const copies = way === 'many' ? 30 : 1
      const steps = Array.from({ length: copies }, (_, copy) =>
        sides.flatMap((side, at) => [
          { ...side, id: copy * 100 + at * 2, label: false },
          { ...side, id: copy * 100 + at * 2 + 1, label: true },
        ]),
      ).flat()
      await knex.raw('delete from things; delete from noclobber.record_changes')
      await knex.raw(
        `insert into things (id, v) values ${steps.map(({ id, from }) => `(${id}, ${from})`).join(', ')}`,
      )
      const before = await written()
      await write(steps)
      const expected = before.map(({ id, version }): Written => {
        const { label } = steps.find((step) => step.id === id) as Step
        const { differs } = differing[((id % 100) - (id % 2)) / 2]
        const fields = [...(label ? ['label'] : []), ...(differs ? ['v'] : [])]
        return fields.length === 0
          ? { id, version, log: [] }
          : { id, version: version + 1, log: [{ version: version + 1, fields, kept: fields }] }
      })
      expect(await written(), `${world}, ${way}`).toEqual(expected)
    }
  }
})

test('an event names what the version is of, also where the value only looks different', async () => {
  const any = z.any()
  const app = await startApp({
    types: [
      defineRecordType('thing', {
        table: 'things',
        fields: { amount: any, ratio: any, terms: any, span: any },
        history: 'values',
      }),
      defineRecordType('mark', { table: 'marks', fields: {} }),
    ],
    prepare: async (one) => {
      await one.raw(
        'create table things (id integer primary key, amount numeric, ratio float8, terms jsonb, span interval)',
      )
      await trackTable(one, 'things', { history: 'values' })
      await one.raw(`insert into things values (1, 1.0, 0, '[1.0]', '1 day')`)
    },
  })
  const watcher = await app.socket()
  await watcher.watch(['thing', '1'])
  const written = { amount: '1.00', ratio: `'-0'`, terms: `'[1.00]'`, span: `'24:00'` }
  for (const [at, [field, value]] of Object.entries(written).entries()) {
    await app.sql(`update things set ${field} = ${value}`)
    const version = at + 2
    expect(await watcher.receives('RecordUpdated', { version })).toMatchObject({ changed_fields: [field] })
    const [entry] = (await app.call('GET', '/records/thing/1/history')).body.data
    expect(entry).toMatchObject({ version, changed_fields: [field] })
    // What a page has is what it had: its save on the version before is stale, and names the field.
    const body = { client_version: version - 1, changes: { amount: 7 } }
    expect((await app.call('PATCH', '/records/thing/1', { body })).body).toMatchObject({
      changed_fields: [field],
    })
  }
  await app.sql(`update things set amount = 1.00, ratio = '-0', terms = '[1.00]', span = '24:00'`)
  expect((await app.call('GET', '/records/thing/1')).body.data.version).toBe(5)
})
