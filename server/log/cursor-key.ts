// The secret that cursors are sealed with, and the context that a node gives the triggers is signed with: the database keeps it for all
// nodes.
import type { Knex } from 'knex'
import { SetupError } from '../base/setup-error.ts'
import { send, statement } from '../db/statement.ts'
import { type Cursors, createCursors } from './cursor.ts'

const SECRET = statement('select k.secret from noclobber.cursor_key k')

/**
 * Reads the secret, once for the life of a node.
 *
 * @throws Error with a sentence where the database's log is of before sealed cursors.
 */
export const readSecret = async (knex: Knex): Promise<Buffer> => {
  const rows = await send(knex, SECRET, [], { named: false }).catch((error) => {
    if (error?.code !== '42P01' && error?.code !== '3F000') throw error
    throw new SetupError(
      'migrate',
      'This database has no change log, or an old one. Call migrate(knex) of noclobber/migrations in a migration (npx noclobber init ' +
        'writes it), and see that this is the database which was migrated: npx noclobber doctor --database URL.',
    )
  })
  const [row] = rows
  if (!row)
    throw new SetupError(
      'migrate',
      'There is no row in noclobber.cursor_key. Bring the change log up to date: `migrate(knex)`.',
    )
  return row.secret
}

/** Cursors as clients carry them, for a program that is no node. */
export const readCursors = async (knex: Knex): Promise<Cursors> => createCursors(await readSecret(knex))
