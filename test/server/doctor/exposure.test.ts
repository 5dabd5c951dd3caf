// What the doctor says of those who may put functions before PostgreSQL's own, and of who receives the nodes' secret.
import { randomBytes } from 'node:crypto'
import createKnex from 'knex'
import { doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
atEnd(() => knex.destroy())
const role = `r_${randomBytes(6).toString('hex')}`
await knex.raw(`create role ${role} login`)
atEnd(() => knex.raw(`drop owned by ${role} cascade; drop role ${role}`))

const notes = async () =>
  (await doctor(knex, { rows: false })).findings
    .filter(({ code }) => code === 'schema_open' || code === 'secret_published')
    .map(({ level, code, message }) => `${level} ${code} ${message}`)

test('a schema of the search path in which others may create is noted, by who they are', async () => {
  expect(await notes()).toEqual([])
  await knex.raw(`grant create on schema public to ${role}`)
  expect(await notes()).toEqual([
    expect.stringContaining(
      `note schema_open In schema public, which is on the search path, may create: ${role}.`,
    ),
  ])
  await knex.raw(`revoke create on schema public from ${role}; grant create on schema public to public`)
  expect(await notes()).toEqual([expect.stringContaining('may create: everybody.')])
  await knex.raw('revoke create on schema public from public')
  // Where it isn't on the path nobody calls what is in it.
  await knex.raw(`create schema theirs authorization ${role}`)
  expect(await notes()).toEqual([])
})

test('a publication that carries the secret is noted', async () => {
  await knex.raw('create publication all_of_it for all tables')
  expect(await notes()).toEqual([
    expect.stringContaining(
      "note secret_published The nodes' secret is in noclobber.cursor_key, which all_of_it publishes",
    ),
  ])
  await knex.raw('drop publication all_of_it')
  expect(await notes()).toEqual([])
})
