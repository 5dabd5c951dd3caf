// The change log: its tables, and the functions that tracked tables' triggers and nodes call.
import type { Knex } from 'knex'
import { runSql } from './sql.ts'

/** In the order in which they need each other. */
export const FILES = [
  'tables.sql',
  'functions/history.sql',
  'functions/epoch.sql',
  'functions/wire-text.sql',
  'functions/types.sql',
  'functions/record-id.sql',
  'functions/signature.sql',
  'functions/writer.sql',
  'functions/log-change.sql',
  'functions/batch-statement.sql',
  'functions/log-statement.sql',
  'functions/compact.sql',
  'functions/order-changes.sql',
  'functions/log-insert.sql',
  'functions/log-delete.sql',
  'functions/log-truncate.sql',
  'functions/plan-by.sql',
  'functions/trigger-body.sql',
  'functions/trigger-function.sql',
  'functions/parts.sql',
  'functions/log-values.sql',
]

const up = async (knex: Knex): Promise<void> => {
  for (const file of FILES) await runSql(knex, file)
  await knex.raw('select noclobber.begin_history(true)')
}

/** Drops the log and, with its functions, the triggers of every tracked table; the tables keep their columns. */
const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop schema noclobber cascade')
}

export const changeLog: Knex.Migration = { up, down }
