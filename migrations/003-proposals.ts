// Proposed changes.
import type { Knex } from 'knex'
import { DROPPED_WHOLE } from './002-restores.ts'
import { runSql } from './sql.ts'

const up = (knex: Knex): Promise<void> => runSql(knex, 'proposals.sql')

export const proposals: Knex.Migration = { up, down: DROPPED_WHOLE }
