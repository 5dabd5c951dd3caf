// The log names the version that a save restored.
import type { Knex } from 'knex'
import { runSql } from './sql.ts'

const up = (knex: Knex): Promise<void> => runSql(knex, 'restores.sql')

const down = async (): Promise<void> => {
  throw new Error('The change log is dropped as a whole: by the first migration.')
}

export const restores: Knex.Migration = { up, down }
