// Change logs that are older, newer, half migrated or torn: each command says in a sentence what the log is and what to do, as do
// migrations and a server's start; none puts older functions in the place of newer ones.
import createKnex, { type Knex } from 'knex'
import { migrate, migrationSource, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { installedBy } from '../../../migrations/installed.ts'
import { runCommand } from '../../../server/cli/run.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { oneIn } from '../../support/short-run.ts'

const COMMANDS = [
  ...['status', 'doctor', 'doctor --repair', 'changes', 'prune', 'restored', 'track notes --history values'],
  ...['erase notes 1', 'untrack notes'],
]

/** A sentence of ours: PostgreSQL's own stands in none of them alone. */
const SENTENCE =
  /The log lacks noclobber\.|The change log isn't as this version makes it|change log is not there|There is no row in noclobber|has no change log, or an old one|of an older noclobber/
const RAW = /^(relation|column|function|schema|type) .* does not exist$/m

const openDatabase = async (): Promise<{ knex: Knex; url: string }> => {
  const { url } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  onTestFinished(() => knex.destroy())
  await knex.raw(
    'create table notes (id int primary key, body text); create table other (id int primary key)',
  )
  await trackTable(knex, 'notes', { history: 'values' })
  return { knex, url }
}

const run = async (url: string, command: string) => {
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const code = await runCommand(command.split(' '), {
    ...{ out: say, err: say, env: { DATABASE_URL: url }, cwd: '/' },
    signal: new AbortController().signal,
  })
  return { code, said: said.join('\n') }
}

const start = async (knex: Knex) => {
  const types = [defineRecordType('note', { table: 'notes', fields: { body: z.any() } })]
  const records = createRecordServer({
    knex,
    types,
    authenticate: () => null,
    log: null,
    limits: { startMs: 1_000 },
  })
  await records.start().finally(() => records.stop())
}

const { tables } = await installedBy(migrationSource)
/** Some of them, another part of the log each. */
const NAMES = ['record_changes', 'log_horizon', 'noted_floors', 'cursor_key', 'changes', 'retentions']
const TORN = [
  ...NAMES.map(
    (name) => `drop ${tables.get(name)?.length === 0 ? 'view' : 'table'} noclobber.${name} cascade`,
  ),
  'alter table noclobber.record_changes drop column old_row cascade',
  'drop schema noclobber cascade',
]

test.each(oneIn(3, TORN))('after "%s" every command answers with a sentence', async (tear) => {
  const { knex, url } = await openDatabase()
  await knex.raw(tear)
  for (const command of COMMANDS) {
    const { code, said } = await run(url, command)
    expect([command, code, said]).toEqual([command, expect.any(Number), expect.not.stringMatching(RAW)])
    // Some need nothing of what is gone.
    if (code !== 0 && !/is not tracked|no tracked table/i.test(said))
      expect([command, said]).toEqual([command, expect.stringMatching(SENTENCE)])
  }
  expect(await run(url, 'doctor')).toMatchObject({ code: 1 })
})

test('functions of a newer version stay, and an older one goes on working', async () => {
  const { knex, url } = await openDatabase()
  await knex.raw(`insert into noclobber_migrations (name, batch, migration_time) values ('900-later', 9, now());
    create or replace function noclobber.commit_durably() returns void language sql volatile set search_path = pg_catalog, pg_temp as 'select'`)
  await migrate(knex)
  await expect(migrate(knex, { repair: true })).rejects.toThrow('of a newer noclobber (900-later)')
  expect(await run(url, 'doctor --repair')).toEqual({
    code: 1,
    said: expect.stringContaining('Repair it with that version'),
  })
  expect(await run(url, 'doctor')).toMatchObject({ code: 0 })
  await start(knex)
  await knex.raw(`insert into notes values (1, 'a'); update notes set body = 'b'`)
  const { rows } = await knex.raw(`select prosrc as body from pg_proc where proname = 'commit_durably'`)
  expect(rows).toEqual([{ body: 'select' }])
})
