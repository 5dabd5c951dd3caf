// The record server that the servers of docs/stacks.md import.
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import pg from 'pg'
import { z } from 'zod'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
await pool.query('create table boats (id serial primary key, tenant_id text not null, name text not null)')
await migrate(pool)
await trackTable(pool, 'boats', { tenant: 'tenant_id' })

const alice = { id: 'alice', name: 'Alice', tenantId: 'acme' }

export const sessionOf = async ({ headers }) => (headers.authorization === 'Bearer alice' ? alice : null)

export const records = createRecordServer({
  log: null,
  pool,
  types: [defineRecordType('boat', { table: 'boats', fields: { name: z.string().min(1) } })],
  authenticate: sessionOf,
})
