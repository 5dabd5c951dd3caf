// Windows over long lists of the real server: in the database's order, whatever commits beside them, and never more rows than they keep.
import { test } from 'vitest'
import { startApp } from '../../../support/app.ts'
import { byRun } from '../../../support/short-run.ts'
import { holdWindow, type WindowedList } from '../../../support/window-oracle.ts'

const COMMITS = Number(process.env.NOCLOBBER_COMMITS ?? byRun({ short: 60, full: 240 }))
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)
const TEXTS = ['a', 'B', 'ä', 'Z', '_', 'z z', 'ß', '10', '9', 'É', 'e', '']

const app = await startApp()

const LISTS: WindowedList[] = [
  {
    type: 'project',
    table: 'projects',
    query: { where: { status: 'active' }, sort: '-budget' },
    sql: `select t.id::text, version from projects t where tenant_id = 'acme' and status = 'active' order by budget desc nulls last, t.id desc`,
    column: 'budget',
    values: [null, 1, 1.5, 2, 100, 0.01, -3],
    made: { tenant_id: 'acme', name: 'made', status: 'active' },
    toggle: `status = case status when 'active' then 'done' else 'active' end`,
  },
  {
    type: 'project',
    table: 'projects',
    query: { where: { status: 'planned' }, sort: 'name' },
    sql: `select t.id::text, version from projects t where tenant_id = 'acme' and status = 'planned' order by name, t.id`,
    column: 'name',
    values: TEXTS.filter((text) => text !== ''),
    made: { tenant_id: 'acme' },
    toggle: `tenant_id = case tenant_id when 'acme' then 'globex' else 'acme' end`,
  },
  {
    type: 'sample',
    table: 'samples',
    query: { sort: 'moment' },
    sql: 'select t.id::text, version from samples t order by moment nulls last, t.id',
    column: 'moment',
    values: [null, '2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z', 'infinity', '0044-03-15 BC'],
    made: { whole: 7 },
    toggle: 'whole = whole + 1',
  },
  {
    type: 'note',
    table: 'notes',
    query: { sort: 'body' },
    sql: `select t.id::text, version from notes t where owner = 'alice' and tenant_id = 'acme' order by body, t.id`,
    column: 'body',
    values: TEXTS,
    made: { tenant_id: 'acme', owner: 'alice' },
    toggle: `owner = case owner when 'alice' then 'bob' else 'alice' end`,
  },
  {
    type: 'note',
    table: 'notes',
    query: { sort: '-id' },
    sql: `select t.id::text, version from notes t where owner = 'alice' and tenant_id = 'acme' order by t.id desc`,
    column: 'body',
    values: TEXTS,
    made: { tenant_id: 'acme', owner: 'alice' },
    toggle: `owner = case owner when 'alice' then 'bob' else 'alice' end`,
  },
]

test.for(LISTS.map((list) => [`${list.type} by ${list.query.sort}`, list] as const))(
  'over commits a window of %s misses none, doubles none and is in the order of SQL',
  { timeout: 3_600_000 },
  ([, list]) => holdWindow(app, list, { commits: COMMITS / LISTS.length, seed: SEED }),
)
