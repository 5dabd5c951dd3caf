// The table and its type: what a page may see and write, and who may.
import type { Knex } from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import { z } from 'zod'

export const project = defineRecordType('project', {
  table: 'projects',
  fields: { name: z.string().min(1), status: z.enum(['planned', 'active', 'done']) },
  can: () => true,
})

/** An app has migrations for this; here the table is made at the first start. */
export const prepare = async (knex: Knex) => {
  await migrate(knex)
  if (await knex.schema.hasTable('projects')) return
  await knex.schema.createTable('projects', (table) => {
    table.increments('id')
    table.text('name').notNullable()
    table.text('status').notNullable().defaultTo('planned')
  })
  await knex('projects').insert([{ name: 'Harbour bridge' }, { name: 'Ferry dock' }])
  await trackTable(knex, 'projects')
}
