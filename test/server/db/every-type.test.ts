// What was read is saved back, by each way in: no value changes, whatever its column's type and the session's settings are.
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp } from '../../support/app.ts'

/** Values of each type, as PostgreSQL's input functions take them. */
const VALUES: Record<string, string[]> = {
  boolean: ['true', 'false'],
  smallint: ['-32768', '7'],
  integer: ['-2147483648', '0'],
  bigint: ['9007199254740993', '-9223372036854775808', '12'],
  oid: ['4294967295'],
  numeric: [
    '1.10',
    '12345678901234567890.12345678901234567890',
    'NaN',
    'Infinity',
    '-Infinity',
    '0.00',
    '1e-30',
    '100',
  ],
  'numeric(12,2)': ['1.10', '-9999999999.99'],
  'numeric(20,10)': ['1234567890.1234567891'],
  real: ['0.1', 'NaN', '-Infinity', '3.4028235e38', '-0'],
  'double precision': ['0.1', '1e-320', '-0', '1.7976931348623157e308', 'Infinity', '0.30000000000000004'],
  money: ['$1,234.56', '-$0.01'],
  text: ['', ' a\\b"c\'d\n', 'NULL', '{1,2}', 'Ünïcode 🙂', '\\x00'],
  'varchar(20)': ['ab  ', ''],
  'char(5)': ['ab'],
  name: ['a name'],
  '"char"': ['x'],
  citext: ['MiXed'],
  uuid: ['6F9619FF-8B86-D011-B42D-00CF4FC964FF'],
  bytea: ['\\x00ff', '\\x', '\\x5c78'],
  'bit(5)': ['00101'],
  'bit varying': ['1', ''],
  date: ['2026-03-04', 'infinity', '-infinity', '0044-03-15 BC', '12026-01-02'],
  time: ['24:00:00', '09:30:00.123456'],
  timetz: ['09:30:00.5+05:30'],
  timestamp: ['2026-03-04 05:06:07.1', 'infinity', '0044-03-15 01:02:03 BC', '12026-01-02 03:04:05'],
  timestamptz: [
    '2026-03-04 05:06:07.123456+01',
    '-infinity',
    '0044-03-15 01:02:03+00 BC',
    '12026-01-02 03:04:05Z',
  ],
  interval: ['-1 year 2 mons -3 days 04:05:06.7', '1 mon -1 day', '-00:00:01', '0'],
  json: ['{"b":1,  "a": [1.50, null]}', '"text"', 'null', '12345678901234567890', '{"a":1,"a":2}'],
  jsonb: [
    '{"n": 1.50, "big": 12345678901234567890, "s": "12345678901234567890"}',
    'null',
    '"a"',
    '[[1], {}]',
    '1e400',
    '0.1',
  ],
  jsonpath: ['$."a"[*]?(@."b" > 1)'],
  xml: ['<a b="c">&amp;</a>'],
  inet: ['192.168.0.1/24', '::1'],
  cidr: ['10.0.0.0/8'],
  macaddr: ['08:00:2b:01:02:03'],
  macaddr8: ['08:00:2b:01:02:03:04:05'],
  point: ['(1.5,-2)', '(0.1,1e-300)', '(NaN,Infinity)'],
  line: ['{1,2,3}'],
  lseg: ['[(1,2),(3,4)]'],
  box: ['(3,4),(1,2)'],
  path: ['[(1,2),(3,4)]', '((1,2),(3,4))'],
  polygon: ['((1,2),(3,4),(5,6))'],
  circle: ['<(1,2),0.1>'],
  tsvector: ["'a':1A 'fat':2 'it''s':3"],
  tsquery: ["'fat' & ( 'rat' | !'cat' )"],
  pg_lsn: ['16/B374D848'],
  xid8: ['123'],
  tid: ['(1,2)'],
  pg_snapshot: ['10:20:10,14,15'],
  int2vector: ['1 2 3'],
  regclass: ['pg_class'],
  int4range: ['[1,10)', 'empty', '(,)'],
  int8range: ['[9007199254740993,)'],
  numrange: ['[1.10,2.200]'],
  daterange: ['[2026-03-04,2026-04-05)'],
  tsrange: ['["2026-03-04 05:06:07","2026-03-05 00:00:00")'],
  tstzrange: ['["2026-03-04 05:06:07.1+00",)'],
  int4multirange: ['{[1,3),[5,8)}', '{}'],
  tstzmultirange: ['{["2026-03-04 05:06:07+00","2026-03-05 00:00:00+00")}'],
  'integer[]': ['{1,NULL,3}', '{}', '{{1,2},{3,4}}', '[0:1]={1,2}'],
  'boolean[]': ['{t,f,NULL}'],
  'bigint[]': ['{9007199254740993,1}'],
  'numeric[]': ['{12345678901234567890.12,1.10,NaN}'],
  'double precision[]': ['{0.1,-0,NaN,1e-320}'],
  'text[]': ['{a,"b,c","NULL",NULL,"\\"q\\" \\\\","{x}"," ",""}'],
  'bytea[]': ['{"\\\\x00ff","\\\\x"}'],
  'date[]': ['{2026-03-04,infinity}'],
  'timestamptz[]': ['{"2026-03-04 05:06:07.5+00"}'],
  'interval[]': ['{"1 day -00:00:01"}'],
  'jsonb[]': ['{"{\\"a\\": 1.50}","[1, 2]",NULL}', '{"null",NULL}', '{{"1","2"},{"3","4"}}'],
  'json[]': ['{"{\\"a\\":  1}"}'],
  'box[]': ['{(3,4),(1,2);(7,8),(5,6)}'],
  'point[]': ['{"(1,2)","(0.1,3)"}'],
  'inet[]': ['{10.0.0.1,::1/64}'],
  'uuid[]': ['{6f9619ff-8b86-d011-b42d-00cf4fc964ff}'],
  'int4range[]': ['{"[1,3)",empty}'],
  mood: ['so-so', 'a "mood", isn\'t it'],
  'mood[]': ['{so-so,"a \\"mood\\", isn\'t it"}'],
  amount: ['1.10'],
  'amount[]': ['{1.10,12345678901234567890.5}'],
  amounts: ['{1.10,2}'],
  document: ['{"a": 1.50, "big": 12345678901234567890}'],
  moment: ['2026-03-04 05:06:07.5+00'],
  place: ['(1.10,"a ""b"", c","2026-03-04 05:06:07+00",0.1,"{1,2}")', '(,,,,)'],
  'place[]': ['{"(1.10,\\"x y\\",,-0,)"}'],
  moments: ['["2026-03-04 05:06:07+00","2026-03-05 00:00:00+00")'],
}

const TYPES = Object.keys(VALUES)
const names = TYPES.map((_, at) => `c${at}`)
const rows = Math.max(...Object.values(VALUES).map(({ length }) => length))
/** What the database shows of a record, in a session with PostgreSQL's own settings. */
const textsOf = async (id: unknown) =>
  (
    await app.sql(`select ${names.map((name) => `${name}::text`).join(', ')} from things where id = ?`, [id])
  )[0]

const anything = z.any()
const types = [
  defineRecordType('thing', {
    table: 'things',
    fields: Object.fromEntries(names.map((name) => [name, anything])),
    history: 'values',
  }),
]

const app = await startApp({
  types,
  prepare: async (knex) => {
    await knex.raw(`create extension citext; create type mood as enum ('so-so', 'a "mood", isn''t it');
      create domain amount as numeric; create domain amounts as numeric[]; create domain document as jsonb;
      create domain moment as timestamptz; create type moments as range (subtype = timestamptz);
      create type place as (size numeric, label text, at timestamptz, ratio float8, parts integer[]);
      create table things (id integer generated by default as identity primary key,
        ${names.map((name, at) => `${name} ${TYPES[at]}`).join(', ')})`)
    await trackTable(knex, 'things', { history: 'values' })
    for (let row = 0; row < rows; row += 1) {
      const values = TYPES.map((type) => VALUES[type]?.[row] ?? null)
      await knex.raw(
        `insert into things (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
        values as string[],
      )
    }
  },
})
/** A server whose sessions have other settings. */
const SETTINGS =
  '-c datestyle=SQL,DMY -c intervalstyle=sql_standard -c timezone=Asia/Kolkata -c extra_float_digits=-5 -c bytea_output=escape -c standard_conforming_strings=off -c escape_string_warning=off'
const odd = await startApp({
  types,
  database: app.database,
  databaseUrl: `${app.database.url}?options=${encodeURIComponent(SETTINGS)}`,
})
const SERVERS = { 'plain settings': app, 'odd settings': odd }

const ids = Array.from({ length: rows }, (_, at) => at + 1)

test('there are more than sixty types', () => expect(TYPES.length).toBeGreaterThan(60))

test('a session with other settings shows the same', async () => {
  for (const path of [
    ...ids.map((id) => `/records/thing/${id}`),
    '/records/thing',
    '/records/thing/1/history',
    '/records/thing?sort=c23',
  ])
    expect((await odd.call('GET', path)).body.data, path).toEqual((await app.call('GET', path)).body.data)
})

for (const [settings, { call }] of Object.entries(SERVERS))
  test(`what was read is saved back and stays the same, with ${settings}`, async () => {
    for (const id of ids) {
      const before = await textsOf(id)
      const { version, fields } = (await call('GET', `/records/thing/${id}`)).body.data
      for (let at = 0; at < names.length; at += 10) {
        const changes = Object.fromEntries(names.slice(at, at + 10).map((name) => [name, fields[name]]))
        const saved = await call('PATCH', `/records/thing/${id}`, {
          body: { client_version: version, changes },
        })
        expect(saved.body, `${id} ${at}`).toMatchObject({ data: { version, fields } })
      }
      const bulk = await call('PATCH', '/records/thing', {
        body: { changes: fields, records: [{ id: String(id), client_version: version }] },
      })
      expect(bulk.body.data[0], bulk.text).toMatchObject({ outcome: 'saved', version })
      expect(await textsOf(id)).toEqual(before)
    }
  })

/** JSON's own text is kept only where it stands already, and a number in it that JavaScript can't hold is a text elsewhere. */
const ONLY_IN_PLACE = new Set(TYPES.flatMap((type, at) => (/json|document/.test(type) ? [`c${at}`] : [])))
/** The log keeps arrays and numbers as JSON has them: without bounds, and without a zero's sign. */
const isOnlyInPlace = (value: unknown) =>
  /-0[",]/.test(JSON.stringify(value)) || (typeof value === 'string' && /^\[\d+:\d+\]=|^\{/.test(value))
/** Numbers whose scale nothing declares: 1.10 is shown as 1.1. */
const withoutScale = (texts: Record<string, string | null>) =>
  Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) =>
      ONLY_IN_PLACE.has(name)
        ? []
        : [
            [
              name,
              /numeric|amount/.test(TYPES[Number(name.slice(1))] ?? '')
                ? text?.replace(/\.(\d*?)0+(?=\D|$)/g, (_, rest) => (rest ? `.${rest}` : ''))
                : text,
            ],
          ],
    ),
  )

for (const [settings, { call }] of Object.entries(SERVERS))
  test(`a new record of what was read has the same values, and so has the replay of its creation, with ${settings}`, async () => {
    for (const id of ids) {
      const { fields } = (await app.call('GET', `/records/thing/${id}`)).body.data
      const body = { fields, mutation_id: `${settings} ${id}` }
      const made = await call('POST', '/records/thing', { body })
      expect(made.status, made.text).toBe(201)
      expect((await call('POST', '/records/thing', { body })).body).toEqual(made.body)
      expect(made.body.data.fields).toEqual(fields)
      expect(withoutScale(await textsOf(made.body.data.id))).toEqual(withoutScale(await textsOf(id)))
      const [{ values }] = (await call('GET', `/records/thing/${made.body.data.id}/history`)).body.data
      for (const [name, [before, after]] of Object.entries<[unknown, unknown]>(values))
        if (!isOnlyInPlace(fields[name])) expect([name, before, after]).toEqual([name, null, fields[name]])
    }
  })

const cell = (value: unknown) => {
  if (value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${text.replaceAll('"', '""')}"`
}

for (const [settings, { call }] of Object.entries(SERVERS))
  test(`what was read is imported, as NDJSON and as CSV, with ${settings}`, async () => {
    const read = await Promise.all(
      ids.map(async (id) => (await app.call('GET', `/records/thing/${id}`)).body.data),
    )
    const before = await Promise.all(ids.map(textsOf))
    const ndjson = read
      .map(({ id, version, fields }) => JSON.stringify({ id, version, ...fields }))
      .join('\n')
    const over = await call('POST', '/records/thing/import?key=id', {
      text: ndjson,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(over.body).toMatchObject({ data: { unchanged: rows, updated: 0 } })
    const csvOf = (only: string[]) =>
      [only.join(), ...read.map(({ fields }) => only.map((name) => cell(fields[name])).join())].join('\n')
    for (const [type, text] of [
      ['application/x-ndjson', read.map(({ fields }) => JSON.stringify(fields)).join('\n')],
      ['text/csv', csvOf(names)],
    ] as const) {
      const [{ max }] = await app.sql('select max(id) from things')
      const made = await call('POST', '/records/thing/import', { text, headers: { 'content-type': type } })
      expect(made.body, made.text.slice(0, 500)).toMatchObject({ data: { created: rows } })
      const newIds = await app.sql('select id from things where id > ? order by id', [max])
      for (const [at, id] of ids.entries()) {
        const texts = withoutScale(await textsOf(newIds[at]?.id))
        // An empty text and no value at all are one cell in CSV.
        const empty = Object.entries(withoutScale(before[at] ?? {})).map(([name, value]) => [
          name,
          type === 'text/csv' && value === '' ? null : value,
        ])
        expect(texts, `${type} ${id}`).toEqual(Object.fromEntries(empty))
      }
    }
    expect(await Promise.all(ids.map(textsOf))).toEqual(before)
  })

test('a number in JSON that JavaScript can not hold stays one where something else of it is changed', async () => {
  const at = names[TYPES.indexOf('jsonb')] as string
  const { version, fields } = (await app.call('GET', '/records/thing/1')).body.data
  expect(fields[at]).toEqual({ n: 1.5, big: '12345678901234567890', s: '12345678901234567890' })
  const changes = { [at]: { ...fields[at], more: '12345678901234567890' } }
  await app.call('PATCH', '/records/thing/1', { body: { client_version: version, changes } })
  expect((await textsOf(1))?.[at]).toBe(
    '{"n": 1.5, "s": "12345678901234567890", "big": 12345678901234567890, "more": "12345678901234567890"}',
  )
})

test('a date that is read differently in other countries is refused, and a time without a zone is meant in UTC', async () => {
  const [date, time] = ['date', 'timestamptz'].map((type) => names[TYPES.indexOf(type)]) as [string, string]
  const save = async (changes: object) => {
    const { version } = (await odd.call('GET', '/records/thing/1')).body.data
    return odd.call('PATCH', '/records/thing/1', { body: { client_version: version, changes } })
  }
  for (const text of ['03/04/2026', '3.4.2026', '4 March 2026', 'today', '20260304'])
    expect((await save({ [date]: text })).body.errors).toEqual([
      { field: date, message: 'must be a date like 2026-11-21' },
    ])
  expect((await save({ [time]: '2026-03-04T05:06' })).body.data.fields[time]).toBe(
    '2026-03-04T05:06:00.000000Z',
  )
})

test('a time of another zone is refused where the column would drop the zone and keep the hour', async () => {
  const time = names[TYPES.indexOf('timestamp')] as string
  const save = async (text: string) => {
    const { version } = (await odd.call('GET', '/records/thing/1')).body.data
    const body = { client_version: version, changes: { [time]: text } }
    return (await odd.call('PATCH', '/records/thing/1', { body })).body
  }
  for (const text of ['2026-03-04T05:06:00+02:00', '2026-03-04 05:06-0130', '2026-03-04T05:06:00+02'])
    expect((await save(text)).errors).toEqual([
      { field: time, message: 'must be a time in UTC (Z) or without a zone, as its column has none' },
    ])
  for (const [at, text] of ['05:06', '05:06:01Z', '05:06:02+00:00', '05:06:03.000+00'].entries())
    expect((await save(`2026-03-04T${text}`)).data.fields[time]).toBe(`2026-03-04T05:06:0${at}.000000`)
})

test('what can not be carried is refused when the type is looked up', async () => {
  await app.sql('create table trees (id integer primary key, tree pg_node_tree)')
  await trackTable(app.knex, 'trees')
  const records = createRecordServer({
    log: null,
    knex: app.knex,
    types: [defineRecordType('tree', { table: 'trees', fields: { tree: anything } })],
    authenticate: () => null,
  })
  await expect(records.start()).rejects.toThrow(
    /column tree can't be saved: PostgreSQL reads no pg_node_tree back/,
  )
})
