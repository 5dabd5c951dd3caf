// The doctor on a real database: silent where all is well, and a finding for each thing that was broken.

import knex from 'knex'
import { expect, test } from 'vitest'
import { setRetention, trackTable } from '../../../migrations/index.ts'
import { type DoctorOptions, doctor } from '../../../server/index.ts'
import { type ChangeApp, startChangeApp } from '../../support/change-app.ts'
import { compacted } from '../../support/compaction.ts'
import { ofInterest } from '../../support/findings.ts'
import { freshDatabase } from '../../support/postgres.ts'

const codes = async (app: ChangeApp, options: DoctorOptions = {}) => {
  const findings = ofInterest((await doctor(app.knex, options)).findings)
  for (const { message, advice } of findings)
    expect(Math.min(message.length, advice.length)).toBeGreaterThan(20)
  return findings.map(({ code, table }) => `${code} ${table ?? ''}`.trim())
}

/** Tracked in one transaction, as a migration does it, with rows that were written in many ways. */
const startApp = async () => {
  const app = await startChangeApp()
  await app.knex.transaction(async (trx) => {
    await trackTable(trx, 'notes', { tenant: 'tenant_id' })
    await trackTable(trx, 'labels')
  })
  await app.sql(`insert into notes (tenant_id, title) select 'a', 'n' from generate_series(1, 80)`)
  await app.sql(`update notes set title = 'x' where id < 70`)
  await app.sql(`update notes set tenant_id = 'b' where id = 5`)
  await app.sql(`update notes set title = title where id = 6`)
  await app.sql(`delete from notes where id = 7`)
  await app.sql(`insert into notes (id, tenant_id) values (7, 'a')`)
  return app
}

test('a healthy database has no findings', async () => {
  const app = await startApp()
  const { findings, ...rest } = await doctor(app.knex, { tables: ['notes', 'public.labels'] })
  expect(rest).toEqual({ ok: true, tables: ['public.labels', 'public.notes'] })
  expect(ofInterest(findings)).toEqual([])
})

test('a database without the log is advised to migrate', async () => {
  const { url } = await freshDatabase({ migrated: false })
  const connection = knex({ client: 'pg', connection: url })
  expect(await doctor(connection)).toMatchObject({ ok: false, findings: [{ code: 'no_log' }] })
  await connection.destroy()
})

test('triggers that are missing, off or altered, and tables that never had any', async () => {
  const app = await startApp()
  await app.sql('create table bare (id integer primary key)')
  expect(await codes(app, { tables: ['bare', 'nowhere'] })).toEqual([
    'table_missing nowhere',
    'not_tracked public.bare',
  ])
  await app.sql('drop trigger zz_noclobber_delete on notes')
  await app.sql('alter table notes disable trigger zz_noclobber_update')
  await app.sql('drop trigger zz_noclobber_insert on labels')
  await app.sql(`create trigger zz_noclobber_insert after insert on labels referencing new table as new_rows
    for each statement when (false) execute function noclobber.log_insert('id', '', '{}', '{}')`)
  const found = await codes(app, { rows: false })
  expect(found).toEqual([
    'trigger_altered public.labels',
    'trigger_missing public.notes',
    'trigger_disabled public.notes',
  ])
  await app.knex.transaction((trx) => trackTable(trx, 'notes', { tenant: 'tenant_id' }))
  expect(await codes(app, { rows: false })).toEqual(['trigger_altered public.labels'])
})

test('what was written while the triggers were off, also when they are on again', async () => {
  const app = await startApp()
  await app.sql('alter table notes disable trigger all')
  await app.sql(`update notes set title = 'unseen' where id = 1`)
  expect(await codes(app)).toEqual(['trigger_disabled public.notes', 'write_not_logged public.notes'])
  await app.sql('alter table notes enable trigger all')
  expect(await codes(app)).toEqual(['write_not_logged public.notes'])
  await app.sql('alter table notes disable trigger all')
  await app.sql(`update notes set version = 99 where id = 2`)
  await app.sql(`delete from notes where id = 3`)
  await app.sql('alter table notes enable trigger all')
  expect(await codes(app)).toEqual([
    'version_out_of_step public.notes',
    'deletion_not_logged public.notes',
    'write_not_logged public.notes',
  ])
  await app.sql('alter table notes alter column version drop not null')
  await app.sql('alter table notes disable trigger all')
  await app.sql(`update notes set version = null where id = 4`)
  await app.sql('alter table notes enable trigger all')
  expect(await codes(app)).toContain('version_invalid public.notes')
})

test('a log that is not pruned, one that a restore brought, and writers that go past the triggers', async () => {
  const app = await startApp()
  await compacted(app)
  await app.sql(
    `update noclobber.record_changes set updated_at = updated_at - interval '40 days' where record_id = '1'`,
  )
  expect(await codes(app)).toEqual(['log_too_long'])
  await setRetention(app.knex, 'notes', { names: '1 year', values: '10 days' })
  expect(await codes(app)).toEqual([])
  await setRetention(app.knex, 'notes', { names: '30 days' })
  expect(await codes(app)).toEqual(['values_too_long public.notes'])
  await setRetention(app.knex, 'notes', {})
  await app.sql(`update noclobber.record_changes set updated_at = now()`)
  await app.sql(`insert into noclobber.record_changes (xid, table_name, record_id, version, event, updated_at)
    values ('9000000000', 'public.labels', '1', 1, 'deleted', now())`)
  expect(await codes(app)).toEqual(['restored_log'])
  await app.sql(`delete from noclobber.record_changes where xid = '9000000000'`)
  const { database } = (await app.sql('select current_database() as database'))[0] as { database: string }
  await app.sql(`alter database ${database} set session_replication_role = replica`)
  expect(await codes(app)).toEqual(['triggers_bypassed'])
})

test('a database that a dump brought: rows, log and triggers each anew, and nothing to find', async () => {
  const app = await startApp()
  const triggers = await app.sql(
    `select tgname as name, tgrelid::regclass as of, pg_get_triggerdef(oid) as made from pg_trigger where not tgisinternal`,
  )
  for (const { name, of } of triggers) await app.sql(`drop trigger ${name} on ${of}`)
  await app.sql(`update notes set title = title`)
  await app.sql(`update noclobber.record_changes set version = version`)
  for (const { made } of triggers) await app.sql(made as string)
  for (let n = 0; n < 60; n += 1) await app.sql('select pg_current_xact_id()')
  expect(await codes(app)).toEqual([])
  await app.sql(`update notes set title = 'seen' where id = 1`)
  expect(await codes(app)).toEqual([])
})
