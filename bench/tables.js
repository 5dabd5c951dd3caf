// The records that are measured: one table tracked, its twin not, with the same columns, indexes and values.
import openKnex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'

/** Names of the tables; the last one is there after {@link prepareByHand}. */
export const TABLES = { ours: 'tracked_projects', bare: 'plain_projects', byHand: 'projects_by_hand' }

/** The log that people write by hand. */
export const LOG_BY_HAND = 'changes_by_hand'

/** The tenant of all rows. */
export const TENANT = 'acme'

export const openPool = (url, max = 10) => openKnex({ client: 'pg', connection: url, pool: { min: 0, max } })

const columnsOf = (knex) => (table) => {
  table.increments('id')
  table.text('tenant_id').notNullable()
  table.text('name').notNullable()
  table.text('number').notNullable()
  table.text('client')
  table.text('status').notNullable()
  table.date('starts_on')
  table.date('ends_on')
  table.decimal('budget', 12, 2)
  table.text('description')
  table.text('notes')
  table.bigInteger('version').notNullable().defaultTo(1)
  table.timestamp('updated_at').notNullable().defaultTo(knex.raw('clock_timestamp()'))
  table.jsonb('updated_by')
  table.index(['tenant_id', 'status'])
}

const fill = (knex, table, rows) =>
  knex.raw(
    `insert into ?? (tenant_id, name, number, client, status, starts_on, ends_on, budget, description, notes)
     select ?, 'Project ' || n, 'P-' || n, 'Client ' || n % 100, 'planned', date '2026-01-01' + n % 300,
       date '2027-01-01' + n % 300, n % 10000 + 0.5, repeat('What it is about. ', 10), repeat('Noted. ', 10)
     from generate_series(1, ?::int) n`,
    [table, TENANT, rows],
  )

/**
 * Makes the change log and both tables.
 *
 * @param {string} url
 * @param {number} rows
 */
export const prepareTables = async (url, rows) => {
  const knex = openPool(url)
  try {
    await migrate(knex)
    const tables = [TABLES.ours, TABLES.bare]
    for (const table of tables) {
      await knex.schema.createTable(table, columnsOf(knex))
      await fill(knex, table, rows)
    }
    await trackTable(knex, TABLES.ours, { tenant: 'tenant_id' })
    for (const table of tables) await knex.raw('vacuum analyze ??', [table])
  } finally {
    await knex.destroy()
  }
}

/** Makes the change log and the tracked table alone, with an index for lists by budget. */
export const prepareLongTable = async (url, rows) => {
  const knex = openPool(url)
  try {
    await migrate(knex)
    await knex.schema.createTable(TABLES.ours, columnsOf(knex))
    await fill(knex, TABLES.ours, rows)
    await knex.schema.alterTable(TABLES.ours, (table) => void table.index(['tenant_id', 'budget', 'id']))
    await trackTable(knex, TABLES.ours, { tenant: 'tenant_id' })
    await knex.raw('vacuum analyze ??', [TABLES.ours])
  } finally {
    await knex.destroy()
  }
}

/** Makes a third table, and a log for it as an app would have it: by record, and in the order of its rows. */
export const prepareByHand = async (url, rows) => {
  const knex = openPool(url)
  try {
    await knex.schema.createTable(TABLES.byHand, columnsOf(knex))
    await fill(knex, TABLES.byHand, rows)
    await knex.raw('vacuum analyze ??', [TABLES.byHand])
    await knex.schema.createTable(LOG_BY_HAND, (table) => {
      table.bigIncrements('id')
      table.text('table_name').notNullable()
      table.text('record_id').notNullable()
      table.bigInteger('version').notNullable()
      table.text('tenant_id').notNullable()
      table.specificType('changed_fields', 'text[]').notNullable()
      table.timestamp('updated_at').notNullable()
      table.jsonb('updated_by').notNullable()
      table.index(['table_name', 'record_id', 'version'])
    })
  } finally {
    await knex.destroy()
  }
}
