// What reading the log costs while a large transaction is open: an import may be for a minute.
import { expect, onTestFinished, test } from 'vitest'
import { AHEAD } from '../../../server/log/log-reader.ts'
import { startApp } from '../../support/app.ts'

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
  const blocksOf = async () => {
    const [{ 'QUERY PLAN': plan }] = await app.sql(`explain (analyze, buffers, format json) ${query}`)
    return plan[0].Plan['Shared Hit Blocks'] + plan[0].Plan['Shared Read Blocks']
  }
  expect(await app.sql(query)).toEqual([])
  expect(await blocksOf()).toBeLessThan(50)
  await open.commit()
  expect(await app.sql(query)).toHaveLength(20_000)
})
