// The log names the version that a save restored.
import type { Knex } from 'knex'
import { runSql } from './sql.ts'

const up = (knex: Knex): Promise<void> => runSql(knex, 'restores.sql')

/** The first migration drops everything. */
export const DROPPED_WHOLE = async (): Promise<void> => {}

export const restores: Knex.Migration = { up, down: DROPPED_WHOLE }
