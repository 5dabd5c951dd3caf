// Migrations that can't go on: a lock that nobody holds any more, and an error that no waiting ends.
import createKnex from 'knex'
import { migrate } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const openFresh = async (options?: { migrated: boolean }) => {
  const { url } = await freshDatabase(options)
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  atEnd(() => knex.destroy())
  return knex
}

test('a lock of a migration that stopped halfway says how it is freed', async () => {
  const knex = await openFresh({ migrated: false })
  await migrate(knex)
  await knex.raw('delete from noclobber_migrations; drop schema noclobber cascade')
  await knex.raw('update noclobber_migrations_lock set is_locked = 1')
  const refused = await migrate(knex, { waitMs: 1 }).catch((error: Error) => error.message)
  expect(refused).toMatch(/locked for 1 ms.*set is_locked = 0.*stopped-halfway/)
  await knex.raw('update noclobber_migrations_lock set is_locked = 0')
  await migrate(knex)
})

test('an error that waiting does not end is thrown at once', async () => {
  const knex = await openFresh({ migrated: false })
  await knex.raw(`create function public.refuse() returns event_trigger language plpgsql as
    $$ begin raise exception 'already exists, says a rule of this database'; end $$;
    create event trigger refuse on ddl_command_start when tag in ('CREATE SCHEMA') execute function public.refuse()`)
  await expect(migrate(knex, { waitMs: 600_000 })).rejects.toThrow('says a rule of this database')
})
