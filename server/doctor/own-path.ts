// The doctor's statements go by PostgreSQL's own names: what others have made in a schema of the caller's search path is neither called
// nor read in the place of what is meant, under any role.
// Invariant: what depends on the caller's search path is asked first, by statements that qualify each name.
import type { Knex } from 'knex'
import { LOOK } from '../db/own-settings.ts'

/** The schemas of the caller's search path that are there. */
export const schemasOf = async (knex: Knex): Promise<string[]> =>
  (await knex.raw('select pg_catalog.to_jsonb(pg_catalog.current_schemas(false)) as schemas')).rows[0].schemas

/** Asks within a transaction whose search path has PostgreSQL's names alone; one of the caller's has its own again afterwards. */
export const byOwnPath = <Found>(knex: Knex, ask: (knex: Knex) => Promise<Found>): Promise<Found> =>
  knex.transaction(async (transaction) => {
    // A reader of whole tables, serializable, would make others' writes fail.
    if (!knex.isTransaction) {
      await transaction.raw('set transaction isolation level read committed, read only')
      await transaction.raw(LOOK)
    }
    const [{ before }] = (await transaction.raw(`select pg_catalog.current_setting('search_path') as before`))
      .rows
    await transaction.raw('set local search_path = pg_catalog, pg_temp')
    const found = await ask(transaction)
    await transaction.raw(`select pg_catalog.set_config('search_path', ?, true)`, [before])
    return found
  })

class Undo extends Error {}

/** Asks within a savepoint that is undone, so that no table stays locked: who keeps one while reading the next meets those who alter two. */
export const asSavepoint = async <Found>(knex: Knex, ask: (knex: Knex) => Promise<Found>): Promise<Found> => {
  let found: { is: Found } | undefined
  const work = async (savepoint: Knex) => {
    found = { is: await ask(savepoint) }
    throw new Undo()
  }
  await knex.transaction(work).catch((error) => {
    if (!(error instanceof Undo)) throw error
  })
  return (found as { is: Found }).is
}
