// What reading the log costs: while a large transaction is open, an import may be for a minute, and where others have changed
// very much.
import pg from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { trackTable } from '../../../migrations/index.ts'
import type { Connection, Row } from '../../../server/db/statement.ts'
import { createLogReader, type LogFilter } from '../../../server/log/log-reader.ts'
import { AHEAD } from '../../../server/log/log-sql.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { oneIn } from '../../support/short-run.ts'

const blocksIn = ([row]: Row[]) => {
  const [{ Plan: plan }] = row?.['QUERY PLAN'] ?? []
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

const EXPLAIN = 'explain (analyze, buffers, format json)'

test('the rows of a transaction that is still open are not looked through by every read', async () => {
  const app = await startApp()
  const open = await app.knex.transaction()
  onTestFinished(async () => {
    if (!open.isCompleted()) await open.rollback()
  })
  await open.raw(
    `insert into tasks (tenant_id, project_id, title) select 'acme', 1, 'Open' from generate_series(1, 20000)`,
  )
  await app.sql(`insert into projects (tenant_id, name) values ('acme', 'Elsewhere')`)
  const [{ cursor }] = await app.sql('select pg_current_snapshot()::text as cursor')
  const query = AHEAD.replaceAll('$1', `'${cursor}'`)
  expect(await app.sql(query)).toEqual([])
  expect(blocksIn(await app.sql(`${EXPLAIN} ${query}`))).toBeLessThan(50)
  await open.commit()
  expect(await app.sql(query)).toHaveLength(20_000)
})

const TASKS = 'public.tasks'
const TAGS = 'public.tags'

describe('what one tenant is given', () => {
  let app: TestApp
  let client: pg.Client
  beforeAll(async () => {
    app = await startApp()
    client = new pg.Client({ connectionString: app.database.url })
    await client.connect()
    atEnd(() => client.end())
  })
  const reader = () => createLogReader(client as unknown as Connection, pg, false)
  const keyOf = ({
    seq,
    source,
    id,
    version,
  }: {
    seq: string
    source: string
    id: string
    version: number
  }) => [seq, source, id, version].join(' ')

  test.each(oneIn(3, [60, 2, 1]))('is found without looking through those of %s others', async (others) => {
    await app.sql(`insert into tasks (tenant_id, project_id, title) values ('acme', 1, 'A')`)
    const from = await reader().here()
    for (let round = 0; round < 60; round += 1)
      await app.sql(
        `insert into tasks (tenant_id, project_id, title) select 'other ' || ?::int, 51, n::text from generate_series(1, 50) n`,
        [round % others],
      )
    // As autovacuum does, sooner or later: what it knows of the log decides how it is read.
    await app.sql('analyze noclobber.record_changes, noclobber.change_batches')
    const only = { sources: [TASKS], tenants: ['acme'] }
    const sent: { text: string; values: unknown[] }[] = []
    const spy = {
      query: (query: (typeof sent)[0]) => {
        sent.push(query)
        return client.query(query)
      },
    }
    const page = await createLogReader(spy as unknown as Connection, pg, false).changesAfter(from, 100, {
      only,
    })
    expect([page.changes, page.more]).toEqual([[], false])
    const [{ text, values } = { text: '', values: [] }] = sent
    expect(blocksIn((await client.query(`${EXPLAIN} ${text}`, values)).rows)).toBeLessThan(60)

    // So is it by a plan for any values, which PostgreSQL takes after a few.
    const literals = values.map((value) =>
      value === null
        ? 'null'
        : client.escapeLiteral(Array.isArray(value) ? `{${value.join()}}` : String(value)),
    )
    await client.query(`set plan_cache_mode = force_generic_plan; prepare delta as ${text}`)
    const { rows } = await client.query(`${EXPLAIN} execute delta (${literals.join()})`)
    await client.query('deallocate delta; reset plan_cache_mode')
    expect(blocksIn(rows)).toBeLessThan(60)
  })

  test('is what the log holds of it, page by page, whichever transactions were open', async () => {
    const others = await Promise.all(
      [1, 2, 3].map(async () => {
        const other = new pg.Client({ connectionString: app.database.url })
        await other.connect()
        atEnd(() => other.end())
        return other
      }),
    )
    const [slow, slower, batch] = others as [pg.Client, pg.Client, pg.Client]
    const insert = (writer: pg.Client, tenant: string, count: number) =>
      writer.query(
        `insert into tasks (tenant_id, project_id, title) select $1, 1, n::text from generate_series(1, $2) n`,
        [tenant, count],
      )
    await slow.query('begin')
    await insert(slow, 'acme', 3)
    const from = await reader().here()
    await insert(client, 'globex', 5)
    await insert(client, 'acme', 4)
    await client.query(`insert into tags (id) values ('of all')`)
    await slower.query('begin')
    await insert(slower, 'acme', 2)
    await insert(batch, 'acme', 70)
    await insert(batch, 'globex', 70)
    await slow.query('commit')
    await insert(client, 'acme', 1)
    const wholes = (await reader().changesAfter(from, 10_000)).changes
    const asked: [LogFilter, (change: (typeof wholes)[0]) => boolean][] = [
      [
        { sources: [TASKS], tenants: ['acme'] },
        ({ source, tenantId }) => source === TASKS && tenantId === 'acme',
      ],
      [{ sources: [TAGS], tenants: [null] }, ({ source }) => source === TAGS],
      [
        { sources: [TASKS, TAGS], tenants: ['globex', null] },
        ({ source, tenantId }) => source === TAGS || tenantId === 'globex',
      ],
      [{ sources: ['public.projects', TAGS], tenants: ['acme', 'acme'] }, () => false],
      [{ sources: [], tenants: [] }, () => false],
    ]
    for (const [only, isWanted] of asked) {
      const wanted = wholes.filter(isWanted).map(keyOf)
      for (const size of [1_000, 7]) {
        const found: string[] = []
        let page = await reader().changesAfter(from, size, { only })
        for (;;) {
          found.push(...page.changes.map(keyOf))
          const last = page.changes.at(-1)
          if (!page.more || !last) break
          page = await reader().changesAfter(from, size, {
            only,
            rest: { upTo: page.cursor, afterSeq: last.seq },
          })
        }
        expect([size, only, found]).toEqual([size, only, wanted])
      }
    }
    expect(wholes.filter(asked[0]?.[1] ?? (() => false))).toHaveLength(3 + 4 + 70 + 1)
    await slower.query('rollback')
  })

  test('of a table that has tenants no more holds what was changed while it had some', async () => {
    const from = await reader().here()
    await app.sql(
      `insert into tasks (tenant_id, project_id, title) values ('acme', 1, 'A'), ('globex', 51, 'B')`,
    )
    await trackTable(app.knex, 'tasks', { lists: ['project_id'] })
    const only = { sources: [TASKS], tenants: [null] }
    expect((await reader().changesAfter(from, 100, { only })).changes).toHaveLength(2)
  })
})
